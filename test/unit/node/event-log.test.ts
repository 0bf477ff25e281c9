import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Events, type Logger, type PeerId, peerIdOfKey, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { EVENTS_KEPT, EventLog, LOG_LINES_KEPT } from '../../../src/node/event-log/event-log.ts'
import { Ring } from '../../../src/node/event-log/ring.ts'
import type { EventBatch } from '../../../src/node/index.ts'

const ADA: PeerId = peerIdOfKey(new Uint8Array(32).fill(1))
const BOB: PeerId = peerIdOfKey(new Uint8Array(32).fill(2))

function fixture() {
  const clock = new VirtualClock()
  const log = new EventLog({ clock })
  log.useNames(
    () =>
      new Map([
        [ADA as string, 'ada'],
        ['s1', 'lab'],
      ]),
  )
  return { clock, log }
}

const kinds = ({ events }: EventBatch): string[] => events.map(({ kind }) => kind)

test('a ring keeps the newest, and knows the places of what it keeps', () => {
  const ring = new Ring<number>({ capacity: 3 })
  assert.deepEqual([ring.begin, ring.end, ring.at(0)], [0, 0, undefined])
  for (let n = 0; n < 8; n++) ring.push(n)
  assert.deepEqual([ring.begin, ring.end], [5, 8])
  assert.deepEqual(
    [4, 5, 6, 7, 8].map((place) => ring.at(place)),
    [undefined, 5, 6, 7, undefined],
  )
})

describe('the event log', () => {
  test('notes whatever is emitted, also kinds that it has never heard of', () => {
    const { log } = fixture()
    const events = new Events<Record<string, unknown>>(silentLogger())
    using _ = log.watch('bus', events, ['noise'])
    events.emit('peer:ready', { peer: ADA, name: 'itself' })
    events.emit('peer:levitated', { peer: BOB, name: 'b\u001b[31mob', metres: 3 })
    events.emit('noise', {})
    events.emit('nothing', undefined)
    const { events: noted } = log.recent({}, 10)
    assert.deepEqual(
      noted.map(({ component, kind, peer, name, details }) => ({ component, kind, peer, name, details })),
      [
        { component: 'bus', kind: 'peer:ready', peer: ADA, name: 'ada', details: {} },
        { component: 'bus', kind: 'peer:levitated', peer: BOB, name: 'b[31mob', details: { metres: 3 } },
        { component: 'bus', kind: 'nothing', peer: undefined, name: undefined, details: {} },
      ],
    )
  })

  test('keeps the lines of a logger, also those that the logger below leaves out, and the module of each', () => {
    const { log } = fixture()
    const below: string[] = []
    const spy = (module: string): Logger => ({
      ...silentLogger(),
      warn: (_fields, message) => void below.push(`${module} ${message}`),
      child: (fields) => spy(fields.module),
    })
    const logger = log.logger(spy('root')).child({ module: 'sync' })
    logger.debug({ peer: ADA, space: 's1', traceId: 'f'.repeat(32) }, 'a detail')
    logger.warn({ reason: 'x'.repeat(1_000) }, 'a warning')
    assert.deepEqual(below, ['sync a warning'])
    assert.deepEqual(kinds(log.recent({}, 10)), ['log'], 'debug is shown on request')
    const [detail] = log.recent({ level: 'debug' }, 10).events
    assert.deepEqual(
      [detail?.component, detail?.message, detail?.name, detail?.spaceName, detail?.traceId],
      ['sync', 'a detail', 'ada', 'lab', 'f'.repeat(32)],
    )
    assert.equal(String(log.recent({}, 1).events[0]?.details.reason).length, 300)
  })

  test('keeps no field that may hold a secret or a text, however it comes', () => {
    const { log } = fixture()
    const secrets = { token: 't', ticket: 't', seed: 't', privateKey: 't', passphrase: 't', text: 't', body: 't' }
    log.logger(silentLogger()).info({ ...secrets, record: { body: 't' }, list: [{ text: 't' }, 'ok'] }, 'm')
    log.note('bus', 'k', secrets)
    assert.deepEqual(
      log.recent({}, 10).events.map(({ details }) => details),
      [{ list: 'ok' }, {}],
    )
  })

  test('shows what lies one level down, and bytes never', () => {
    const { log } = fixture()
    log.note('bus', 'link:changed', {
      peer: ADA,
      now: { kind: 'direct', rtt: 'near', deep: {} },
      bytes: new Uint8Array(3),
    })
    assert.deepEqual(log.recent({}, 1).events[0]?.details, { 'now.kind': 'direct', 'now.rtt': 'near' })
  })

  test('many lines push out no event, and what was pushed out is counted', () => {
    const { log } = fixture()
    log.note('node', 'node:started', {})
    const logger = log.logger(silentLogger())
    for (let n = 0; n < LOG_LINES_KEPT + 7; n++) logger.info({}, 'line')
    const all = log.recent({}, LOG_LINES_KEPT + EVENTS_KEPT)
    assert.equal(all.events.length, LOG_LINES_KEPT + 1)
    assert.equal(all.events[0]?.kind, 'node:started')
    assert.equal(all.lost, 7)
  })

  test('filters by component, kind, peer, level, trace and time', () => {
    const { log, clock } = fixture()
    log.note('bus', 'peer:ready', { peer: ADA })
    log.note('bus', 'peer:lost', { peer: BOB })
    clock.advance(1_000)
    log.note('sync', 'space:in-step', { peer: ADA, traceId: 'a'.repeat(32) })
    assert.deepEqual(kinds(log.recent({ component: 'bus' }, 9)), ['peer:ready', 'peer:lost'])
    assert.deepEqual(kinds(log.recent({ kind: 'peer:*' }, 9)), ['peer:ready', 'peer:lost'])
    assert.deepEqual(kinds(log.recent({ kind: 'peer.ready' }, 9)), [])
    assert.deepEqual(kinds(log.recent({ kind: '*' }, 2)), ['peer:lost', 'space:in-step'])
    for (const peer of ['ada', ADA, ADA.slice(-8)]) {
      assert.deepEqual(kinds(log.recent({ peer }, 9)), ['peer:ready', 'space:in-step'])
    }
    assert.deepEqual(kinds(log.recent({ level: 'warn' }, 9)), ['peer:lost'])
    assert.deepEqual(kinds(log.recent({ trace: 'a'.repeat(32) }, 9)), ['space:in-step'])
    assert.deepEqual(kinds(log.recent({ since: clock.now() }, 9)), ['space:in-step'])
  })

  test('a follower gets what was, then what comes, in order; a slow one loses the oldest and is told how many', async () => {
    const { log, clock } = fixture()
    const stop = new AbortController()
    log.note('node', 'first', {})
    const follower = log.follow({}, 10, stop.signal)
    assert.deepEqual(kinds((await follower.next()).value as EventBatch), ['first'])
    const next = follower.next()
    log.note('node', 'second', {})
    log.logger(silentLogger()).info({}, 'a line')
    await Promise.resolve()
    while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(100)
    assert.deepEqual(kinds((await next).value as EventBatch), ['second', 'log'])
    for (let n = 0; n < EVENTS_KEPT + 5; n++) log.note('node', `n${n}`, {})
    const late = (await follower.next()).value as EventBatch
    assert.equal(late.lost, 5)
    assert.equal(late.events[0]?.kind, 'n5')
    assert.ok(late.events.length <= 256)
    stop.abort(new Error('enough'))
    await assert.rejects(follower.next(), /enough/)
  })

  test('whoever follows is let go when the node stops', async () => {
    const { log } = fixture()
    const follower = log.follow({}, 10, new AbortController().signal)
    await follower.next()
    const next = follower.next()
    log[Symbol.dispose]()
    await assert.rejects(next, { code: 'ERR_STOPPING' })
  })
})
