import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { PlexusError, VirtualClock } from '../../../src/base/index.ts'
import { type Conversation, LocalPeer, RETRY_FIRST_MS, RETRY_MAX_MS } from '../../../src/mcp/local-peer.ts'

/** A daemon that runs or does not, and notes what it is asked. */
class Daemon {
  runs = false
  startable = true
  starts = 0
  readonly asked: unknown[] = []
  readonly conversations: { end(): void; disposed: boolean }[] = []

  ensure = async (): Promise<Conversation> => {
    this.starts++
    if (!this.startable) throw new PlexusError('ERR_DAEMON_START', 'the disk is full', { fix: 'Free some space.' })
    this.runs = true
    return this.#conversation()
  }

  find = async (): Promise<Conversation | undefined> => (this.runs ? this.#conversation() : undefined)

  #conversation(): Conversation {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const entry = { end: resolve, disposed: false }
    this.conversations.push(entry)
    return {
      closed,
      call: async (op, _input, { agent } = {}) => {
        this.asked.push([op, agent])
        return { state: 'ok' }
      },
      [Symbol.dispose]: () => {
        entry.disposed = true
        resolve()
      },
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let daemon: Daemon
let clock: VirtualClock
let peer: LocalPeer

beforeEach(() => {
  daemon = new Daemon()
  clock = new VirtualClock()
  peer = new LocalPeer({ ensure: daemon.ensure, find: daemon.find, clock })
})

test('calls share one conversation and say who asks', async () => {
  await Promise.all([
    peer.call('a', {}, { caller: { kind: 'agent', client: 'notes/1 for claude-code/2' } }),
    peer.call('b', {}, { caller: { kind: 'person', client: 'library' } }),
  ])
  assert.deepEqual(daemon.asked, [
    ['a', 'notes/1 for claude-code/2'],
    ['b', undefined],
  ])
  assert.equal(daemon.starts, 1)
})

test('a call after the conversation was lost or ended begins another', async () => {
  await peer.call('a', {})
  daemon.conversations[0]?.end()
  await settled()
  await peer.call('b', {})
  peer[Symbol.dispose]()
  await settled()
  assert.equal(daemon.conversations[1]?.disposed, true)
  await peer.call('c', {})
  assert.equal(daemon.conversations.length, 3)
})

test('a conversation that nobody needs any more ends when what is under way is answered', async () => {
  const first = peer.call('a', {})
  peer[Symbol.dispose]()
  await first
  await settled()
  assert.deepEqual(
    daemon.conversations.map(({ disposed }) => disposed),
    [true],
  )
})

test('a daemon that does not start is tried again at growing intervals, and its reason told in between', async () => {
  daemon.startable = false
  const attempts: number[] = []
  for (let second = 0; second < 120; second++) {
    const before = daemon.starts
    await assert.rejects(peer.call('a', {}), { code: 'ERR_DAEMON_START', fix: 'Free some space.' })
    if (daemon.starts > before) attempts.push(second)
    clock.advance(RETRY_FIRST_MS)
  }
  assert.deepEqual(attempts, [0, 1, 3, 7, 15, 31, 61, 91])
  daemon.startable = true
  clock.advance(RETRY_MAX_MS)
  await peer.call('a', {})
})

test('one failure is one attempt, however many wait for it', async () => {
  daemon.startable = false
  await Promise.allSettled([peer.call('a', {}), peer.call('b', {}), peer.open()])
  assert.equal(daemon.starts, 1)
})

test('what is no error of ours comes with a fix all the same', async () => {
  const broken = new LocalPeer({ ensure: () => Promise.reject(new Error('EMFILE')), find: daemon.find, clock })
  await assert.rejects(broken.call('a', {}), { code: 'ERR_DAEMON_START', message: /EMFILE/, fix: /plexus doctor/ })
})

test('asking for the status starts nothing', async () => {
  await assert.rejects(peer.status(), { code: 'ERR_DAEMON_NOT_RUNNING' })
  assert.equal(daemon.starts, 0)
  daemon.runs = true
  assert.deepEqual(await peer.status(), { state: 'ok' })
  assert.equal(daemon.starts, 0)
  assert.equal(daemon.conversations[0]?.disposed, true)
})

test('the status of a daemon that did not start is the reason', async () => {
  daemon.startable = false
  await assert.rejects(peer.open())
  await assert.rejects(peer.status(), { code: 'ERR_DAEMON_START' })
})

test('a caller that gives up does not wait for a daemon that starts', async () => {
  const { promise, resolve } = Promise.withResolvers<Conversation>()
  const slow = new LocalPeer({ ensure: () => promise, find: daemon.find, clock })
  const controller = new AbortController()
  const call = slow.call('a', {}, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(call, { message: 'enough' })
  resolve(await daemon.ensure())
})
