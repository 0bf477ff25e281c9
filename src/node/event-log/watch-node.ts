import type { Clock, Events, SpaceId, Timer } from '../../base/index.ts'
import type { JournalEvents } from '../../records/index.ts'
import type { Spaces } from '../../space/index.ts'
import type { ComponentReport } from '../types.ts'
import type { EventLog, Watchable } from './event-log.ts'

/** How often the states of components are compared with those before. */
const COMPONENTS_LOOK_MS = 10_000
/** Records that are stored one after the other are told of as a number. */
const RECORDS_GATHER_MS = 1_000

/** Told of every peer by every other: in a large space they would push out all else. */
const NOISE = ['peer:addresses', 'address:learned', 'peer:discovered']

/** Coming up and going down are no news. */
const TROUBLE: ReadonlySet<string> = new Set(['degraded', 'failed'])

export interface WatchedParts {
  readonly clock: Clock
  readonly journal: { readonly events: Events<JournalEvents> }
  readonly spaces: Pick<Spaces, 'list'>
  /** Parts whose events are noted as they are, by component. */
  readonly parts: Readonly<Record<string, { readonly events: Watchable }>>
  readonly components: () => readonly ComponentReport[]
}

/** Notes what the parts of a node tell, and when a component changes its state. */
export function watchNode(log: EventLog, of: WatchedParts): Disposable {
  log.useNames(() => namesIn(of.spaces))
  const watching = new DisposableStack()
  for (const [name, { events }] of Object.entries(of.parts)) watching.use(log.watch(name, events, NOISE))
  watching.use(watchRecords(log, of))
  watching.use(watchComponents(log, of))
  return watching
}

function watchRecords(log: EventLog, { journal, clock }: WatchedParts): Disposable {
  const counts = new Map<SpaceId, { own: number; others: number }>()
  let timer: Timer | undefined
  const tell = (): void => {
    timer = undefined
    for (const [space, { own, others }] of counts) log.note('records', 'records:stored', { space, own, others })
    counts.clear()
  }
  const watching = new DisposableStack()
  watching.use(log.watch('records', journal.events, ['record:stored']))
  watching.use(
    journal.events.on('record:stored', ({ record, own }) => {
      const count = counts.get(record.space) ?? { own: 0, others: 0 }
      counts.set(record.space, count)
      if (own) count.own++
      else count.others++
      timer ??= clock.setTimer(RECORDS_GATHER_MS, tell)
    }),
  )
  watching.defer(() => timer?.cancel())
  return watching
}

function watchComponents(log: EventLog, { components, clock }: WatchedParts): Disposable {
  const known = new Map<string, ComponentReport>()
  let timer: Timer
  const look = (): void => {
    for (const report of components()) {
      const { name, state, reason, fix, restarts } = report
      const before = known.get(name)
      known.set(name, report)
      if (restarts > (before?.restarts ?? 0)) log.note(name, 'component:restarted', { restarts }, 'warn')
      const isTold = TROUBLE.has(state) || (state === 'ok' && TROUBLE.has(before?.state ?? 'ok'))
      if (isTold && state !== before?.state) log.note(name, `component:${state}`, { reason, fix })
    }
    timer = clock.setTimer(COMPONENTS_LOOK_MS, look)
  }
  look()
  return { [Symbol.dispose]: () => timer.cancel() }
}

/** What our spaces and their members are called, by id. */
function namesIn(spaces: Pick<Spaces, 'list'>): ReadonlyMap<string, string> {
  const all = spaces.list()
  const members = all.flatMap((space) => space.members)
  return new Map<string, string>([
    ...members.map(({ peer, name }) => [peer, name] as const),
    ...all.map(({ id, name }) => [id, name] as const),
  ])
}
