import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type PeerId, peerIdOfKey, VirtualClock } from '../../../src/base/index.ts'
import {
  ADDRESS_TIMEOUT_MS,
  DIAL_STAGGER_MS,
  DIAL_TIMEOUT_MS,
  Dialer,
  PARALLEL_DIALS,
  QUEUED_DIALS,
  RELAY_STAGGER_MS,
} from '../../../src/network/dialer.ts'
import { NetworkError } from '../../../src/network/index.ts'

interface Attempt {
  readonly peer: PeerId
  readonly address: string
  readonly signal: AbortSignal
  readonly settle: PromiseWithResolvers<string>
}

function scene(): { clock: VirtualClock; dialer: Dialer<string>; attempts: Attempt[]; discarded: string[] } {
  const clock = new VirtualClock()
  const attempts: Attempt[] = []
  const discarded: string[] = []
  const dialer = new Dialer<string>(
    {
      attempt: (peer, address, signal) => {
        const settle = Promise.withResolvers<string>()
        attempts.push({ peer, address, signal, settle })
        return settle.promise
      },
      discard: (connection) => discarded.push(connection),
    },
    { clock },
  )
  return { clock, dialer, attempts, discarded }
}

function peer(number: number): PeerId {
  return peerIdOfKey(new Uint8Array(32).fill(number))
}

const A = '/ip4/10.0.0.1/tcp/1'
const B = '/ip4/10.0.0.2/tcp/2'
const RELAYED = `/ip4/203.0.113.1/tcp/3/p2p/${peer(9)}/p2p-circuit`
const refused = new NetworkError('ERR_UNREACHABLE', 'connection refused')

describe('one dial', () => {
  test('tries relays last: once the direct addresses have failed, or a second after them', async () => {
    const { dialer, attempts, clock } = scene()
    const dialling = dialer.dial(peer(1), [RELAYED, A])
    await setImmediate()
    attempts[0]?.settle.reject(refused)
    await setImmediate()
    assert.deepEqual(
      attempts.map(({ address }) => address),
      [A, RELAYED],
    )
    attempts[1]?.settle.resolve('over the relay')
    assert.equal(await dialling, 'over the relay')
    const patient = dialer.dial(peer(2), [RELAYED, A])
    await setImmediate()
    clock.advance(RELAY_STAGGER_MS - 1)
    assert.equal(attempts.length, 3)
    clock.advance(1)
    assert.equal(attempts[3]?.address, RELAYED)
    attempts[2]?.settle.resolve('direct after all')
    assert.equal(await patient, 'direct after all')
    await assert.rejects(dialer.dial(peer(3), [RELAYED], { direct: true }), { code: 'ERR_UNREACHABLE' })
  })

  test('gives each address a head start over the next', async () => {
    const { clock, dialer, attempts } = scene()
    const dialling = dialer.dial(peer(1), [A, B])
    await setImmediate()
    assert.deepEqual(
      attempts.map(({ address }) => address),
      [A],
    )
    clock.advance(DIAL_STAGGER_MS)
    assert.deepEqual(
      attempts.map(({ address }) => address),
      [A, B],
    )
    attempts[1]?.settle.resolve('b')
    assert.equal(await dialling, 'b')
    assert.ok(attempts[0]?.signal.aborted)
    assert.equal(clock.pendingTimers, 0)
  })

  test('passes the turn on at once when an address fails', async () => {
    const { dialer, attempts } = scene()
    const dialling = dialer.dial(peer(1), [A, B])
    await setImmediate()
    attempts[0]?.settle.reject(refused)
    await setImmediate()
    assert.equal(attempts.length, 2)
    attempts[1]?.settle.resolve('b')
    assert.equal(await dialling, 'b')
  })

  test('discards a connection that comes too late', async () => {
    const { clock, dialer, attempts, discarded } = scene()
    const dialling = dialer.dial(peer(1), [A, B])
    await setImmediate()
    clock.advance(DIAL_STAGGER_MS)
    attempts[0]?.settle.resolve('a')
    attempts[1]?.settle.resolve('b')
    assert.equal(await dialling, 'a')
    await setImmediate()
    assert.deepEqual(discarded, ['b'])
  })

  test('tells the reason of every address', async () => {
    const { dialer, attempts } = scene()
    const dialling = dialer.dial(peer(1), [A, B])
    await setImmediate()
    attempts[0]?.settle.reject(refused)
    await setImmediate()
    attempts[1]?.settle.reject(new Error('odd'))
    await assert.rejects(dialling, (error: NetworkError) => {
      assert.equal(error.code, 'ERR_UNREACHABLE')
      assert.deepEqual(error.failures, [
        { address: A, code: 'ERR_UNREACHABLE', reason: 'connection refused' },
        { address: B, code: 'ERR_UNREACHABLE', reason: 'odd' },
      ])
      assert.match(error.message, /10\.0\.0\.1.*refused.*10\.0\.0\.2.*odd/)
      return true
    })
  })

  test('is a wrong peer if one answered anywhere, a timeout if all were silent', async () => {
    const { clock, dialer, attempts } = scene()
    const wrong = assert.rejects(dialer.dial(peer(1), [A, B]), { code: 'ERR_WRONG_PEER' })
    await setImmediate()
    attempts[0]?.settle.reject(new NetworkError('ERR_WRONG_PEER', 'another peer answered'))
    await setImmediate()
    attempts[1]?.settle.reject(refused)
    await wrong
    const silent = assert.rejects(dialer.dial(peer(2), [A, B]), { code: 'ERR_TIMEOUT' })
    await setImmediate()
    clock.advance(DIAL_STAGGER_MS + ADDRESS_TIMEOUT_MS)
    await silent
  })

  test('ends at its deadline, and what comes later is discarded', async () => {
    const { clock, dialer, attempts, discarded } = scene()
    const addresses = Array.from({ length: 8 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
    const dialling = assert.rejects(dialer.dial(peer(1), addresses), { code: 'ERR_TIMEOUT' })
    await setImmediate()
    // Each silence of 5 s lets no further address start that has not started by its stagger: all eight are under way.
    clock.advance(DIAL_STAGGER_MS * 7)
    assert.equal(attempts.length, 8)
    clock.advance(DIAL_TIMEOUT_MS)
    await dialling
    attempts[0]?.settle.resolve('late')
    await setImmediate()
    assert.deepEqual(discarded, ['late'])
    assert.equal(clock.pendingTimers, 0)
  })

  test('tries what is usable, each address once, and no more than eight', async () => {
    const { clock, dialer, attempts } = scene()
    const many = Array.from({ length: 20 }, (_, index) => `/ip4/10.0.1.${index}/tcp/1`)
    const odd = ['', 'nonsense', `${A}/p2p/${peer(9)}`, `/${'x'.repeat(300)}`]
    const dialling = dialer.dial(peer(1), [...odd, `${A}/p2p/${peer(1)}`, A, ...many])
    await setImmediate()
    clock.advance(DIAL_STAGGER_MS * 20)
    assert.deepEqual(
      attempts.map(({ address }) => address),
      [A, ...many.slice(0, 7)],
    )
    attempts[0]?.settle.resolve('a')
    await dialling
    await assert.rejects(dialer.dial(peer(2), odd), { code: 'ERR_UNREACHABLE', message: /no usable address/ })
  })
})

describe('several dials', () => {
  test('to one peer are one', async () => {
    const { dialer, attempts } = scene()
    const dials = [dialer.dial(peer(1), [A]), dialer.dial(peer(1), [B])]
    await setImmediate()
    assert.equal(attempts.length, 1)
    attempts[0]?.settle.resolve('a')
    assert.deepEqual(await Promise.all(dials), ['a', 'a'])
    assert.equal(dialer.size, 0)
  })

  test('go on while one of their callers waits', async () => {
    const { dialer, attempts } = scene()
    const abort = new AbortController()
    const impatient = dialer.dial(peer(1), [A], { signal: abort.signal })
    const patient = dialer.dial(peer(1), [A])
    await setImmediate()
    abort.abort(new Error('enough'))
    await assert.rejects(impatient, new Error('enough'))
    assert.equal(attempts[0]?.signal.aborted, false)
    attempts[0]?.settle.resolve('a')
    assert.equal(await patient, 'a')
  })

  test('end when nobody waits', async () => {
    const { dialer, attempts } = scene()
    const abort = new AbortController()
    const dialling = dialer.dial(peer(1), [A], { signal: abort.signal })
    await setImmediate()
    abort.abort(new Error('enough'))
    await assert.rejects(dialling, new Error('enough'))
    await setImmediate()
    assert.equal(attempts[0]?.signal.aborted, true)
    assert.equal(dialer.size, 0)
    const again = dialer.dial(peer(1), [A])
    await setImmediate()
    attempts[1]?.settle.resolve('a')
    assert.equal(await again, 'a')
  })

  test('run so many at a time, wait so many, and no more', async () => {
    const { dialer, attempts } = scene()
    const dials = Array.from({ length: PARALLEL_DIALS + QUEUED_DIALS }, (_, index) => dialer.dial(peer(index), [A]))
    const results = Promise.allSettled(dials)
    await assert.rejects(dialer.dial(peer(200), [A]), { code: 'ERR_OVERLOADED' })
    await setImmediate()
    assert.equal(attempts.length, PARALLEL_DIALS)
    attempts[0]?.settle.resolve('a')
    await setImmediate()
    assert.equal(attempts.length, PARALLEL_DIALS + 1)
    dialer.stop('stopping')
    const rejected = (await results).filter(({ status }) => status === 'rejected')
    assert.equal(rejected.length, PARALLEL_DIALS + QUEUED_DIALS - 1)
    assert.equal(dialer.size, 0)
    const fresh = dialer.dial(peer(1), [A])
    await setImmediate()
    attempts.at(-1)?.settle.resolve('again')
    assert.equal(await fresh, 'again')
  })

  test('given up in the queue do not take a turn', async () => {
    const { dialer, attempts } = scene()
    const running = Array.from({ length: PARALLEL_DIALS }, (_, index) => dialer.dial(peer(index), [A]))
    const abort = new AbortController()
    const queued = [dialer.dial(peer(100), [A], { signal: abort.signal }), dialer.dial(peer(101), [B])]
    await setImmediate()
    abort.abort(new Error('enough'))
    await assert.rejects(queued[0] ?? Promise.resolve(), new Error('enough'))
    attempts[0]?.settle.resolve('a')
    await setImmediate()
    assert.deepEqual(attempts.at(-1)?.address, B)
    for (const attempt of attempts) attempt.settle.resolve('x')
    await Promise.all([...running, queued[1]])
  })
})
