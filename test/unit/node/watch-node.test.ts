import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Events, type SpaceId, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { EventLog } from '../../../src/node/event-log/event-log.ts'
import { watchNode } from '../../../src/node/event-log/watch-node.ts'
import type { ComponentReport } from '../../../src/node/index.ts'
import type { JournalEvents, StoredRecord } from '../../../src/records/index.ts'

const SPACE = 's1' as SpaceId

function fixture() {
  const clock = new VirtualClock()
  const log = new EventLog({ clock })
  const journal = { events: new Events<JournalEvents>(silentLogger()) }
  const bus = { events: new Events<Record<string, object>>(silentLogger()) }
  const reports: ComponentReport[] = [{ name: 'sync', state: 'ok', since: 0, restarts: 0 }]
  const spaces = { list: () => [] }
  const watching = watchNode(log, { clock, journal, spaces, parts: { bus }, components: () => reports })
  const seen = (): unknown[] =>
    log.recent({}, 100).events.map(({ component, kind, details }) => [component, kind, details])
  return { clock, journal, bus, reports, watching, seen }
}

test('records are told of as numbers, once a second and space', () => {
  const { clock, journal, watching, seen } = fixture()
  const record = { space: SPACE } as StoredRecord
  for (let n = 0; n < 500; n++) journal.events.emit('record:stored', { record, own: n < 3 })
  assert.deepEqual(seen(), [])
  clock.advance(1_000)
  assert.deepEqual(seen(), [['records', 'records:stored', { space: SPACE, own: 3, others: 497 }]])
  watching[Symbol.dispose]()
  journal.events.emit('record:stored', { record, own: true })
  assert.equal(clock.pendingTimers, 0)
})

test('a component that changes its state, or was started again, is told of', () => {
  const { clock, reports, watching, seen } = fixture()
  using _ = watching
  reports[0] = { name: 'sync', state: 'starting', since: 0, restarts: 0 }
  clock.advance(10_000)
  reports[0] = { name: 'sync', state: 'failed', since: 0, restarts: 0, reason: 'no', fix: 'Wait.' }
  clock.advance(10_000)
  reports[0] = { name: 'sync', state: 'ok', since: 0, restarts: 1 }
  clock.advance(20_000)
  assert.deepEqual(seen(), [
    ['sync', 'component:failed', { reason: 'no', fix: 'Wait.' }],
    ['sync', 'component:restarted', { restarts: 1 }],
    ['sync', 'component:ok', {}],
  ])
})

test('what a part tells is there under its name, but for what everybody tells of everybody', () => {
  const { bus, watching, seen } = fixture()
  bus.events.emit('anything:new', { n: 1 })
  bus.events.emit('peer:addresses', { n: 1 })
  watching[Symbol.dispose]()
  bus.events.emit('anything:new', { n: 2 })
  assert.deepEqual(seen(), [['bus', 'anything:new', { n: 1 }]])
})
