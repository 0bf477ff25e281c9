import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OverflowPolicy, PeerId } from '../../../src/base/index.ts'
import type { Message, Priority } from '../../../src/bus/index.ts'
import { Mailbox } from '../../../src/bus/mailbox.ts'

function message(id: string, priority: Priority): Message {
  const rest = { kind: 'k', topic: 't', from: 'p' as PeerId, hlc: 1, ttlMs: 1000, trace: '', body: new Uint8Array(0) }
  return { ...rest, id, priority }
}

function filled(overflow: OverflowPolicy, ...ids: readonly string[]): Mailbox {
  const mailbox = new Mailbox({ capacity: 3, overflow })
  for (const id of ids) void mailbox.put(message(id, PRIORITY[id[0] as keyof typeof PRIORITY]), 100)
  return mailbox
}

const PRIORITY = { c: 'critical', h: 'high', n: 'normal', l: 'low' } as const

function taken(mailbox: Mailbox): string[] {
  const ids: string[] = []
  for (let one = mailbox.take(); one !== undefined; one = mailbox.take()) ids.push(one.id)
  return ids
}

test('the more urgent come first, in order among themselves', () => {
  assert.deepEqual(taken(filled('drop-oldest', 'l1', 'c1', 'c2')), ['c1', 'c2', 'l1'])
})

test('low is taken now and then, however much that is urgent keeps coming', () => {
  const mailbox = new Mailbox({ capacity: 1000, overflow: 'drop-oldest' })
  void mailbox.put(message('l1', 'low'), 100)
  for (let n = 0; n < 100; n++) void mailbox.put(message(`c${n}`, 'critical'), 100)
  assert.equal(taken(mailbox).indexOf('l1'), 16)
})

test('drop-oldest loses the oldest of the least urgent', () => {
  const mailbox = filled('drop-oldest', 'l1', 'l2', 'c1', 'n1', 'n2', 'l3')
  assert.deepEqual(taken(mailbox), ['c1', 'n1', 'n2'])
  assert.equal(mailbox.dropped, 3)
})

test('drop-newest loses the newcomer, unless something less urgent waits', () => {
  const mailbox = filled('drop-newest', 'l1', 'l2', 'n1', 'n2', 'c1', 'l3', 'n3')
  assert.deepEqual(taken(mailbox), ['c1', 'n1', 'n2'])
  assert.equal(mailbox.dropped, 4)
})

test('disconnect says that more came than fits', () => {
  assert.equal(filled('disconnect', 'n1', 'n2', 'n3').overflowed, false)
  assert.equal(filled('disconnect', 'n1', 'n2', 'n3', 'n4').overflowed, true)
})

test('under block the more urgent are let in first, and who waits too long is lost', async () => {
  const mailbox = filled('block', 'n1', 'n2', 'n3')
  const waits = ['l1', 'c1'].map((id) => mailbox.put(message(id, PRIORITY[id[0] as 'l' | 'c']), id === 'l1' ? 50 : 100))
  assert.deepEqual([mailbox.take()?.id, mailbox.take()?.id], ['n1', 'c1'])
  await waits[1]
  const late = mailbox.put(message('l2', 'low'), 50)
  mailbox.expire(50)
  await Promise.all([waits[0], late])
  assert.deepEqual(taken(mailbox).sort(), ['l1', 'n2', 'n3'])
  mailbox.close()
})
