import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peerIdOfKey } from '../../../src/base/index.ts'
import { eventLine } from '../../../src/cli/events.ts'
import type { NodeEvent } from '../../../src/node/index.ts'

process.env.TZ = 'UTC'

const PEER = peerIdOfKey(new Uint8Array(32))
const plain = (_style: unknown, text: string): string => text
const event = (of: Partial<NodeEvent>): NodeEvent => ({
  seq: 1,
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  level: 'info',
  component: 'bus',
  kind: 'peer:ready',
  details: {},
  ...of,
})

test('an event is one line: when, how bad, where, what, about whom, and the rest', () => {
  const line = eventLine(
    event({
      peer: PEER,
      name: 'ada',
      spaceName: 'lab',
      traceId: 'f'.repeat(32),
      details: {
        space: 'a'.repeat(64),
        hash: 'b'.repeat(64),
        via: PEER,
        ms: 1.26,
        ok: true,
        since: 1,
        reason: 'two words',
      },
    }),
    plain,
  )
  const short = PEER.slice(-8)
  assert.equal(
    line,
    `2026-01-02 03:04:05.006 info  bus       peer:ready           "ada" (${short})  in "lab"  hash=bbbbbbbbbbbb…  via=${short}  ms=1.3  ok=true  reason="two words"  trace=${'f'.repeat(32)}`,
  )
})

test('what others said cannot be taken for ours, and moves no cursor', () => {
  const evil = '\u001b[2J" (friend)\nerror\u202e'
  const line = eventLine(
    event({ peer: PEER, name: evil, spaceName: evil, message: evil, details: { reason: evil } }),
    plain,
  )
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u)
  assert.match(line, /"\[2J\\" \(friend\) error"/)
  assert.match(line, /reason="\[2J\\" \(friend\) error"$/)
})
