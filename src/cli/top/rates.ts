import type { Sample } from '../daemon/sample.ts'

/** The lanes that messages travel on. */
export const DATA_LANES = ['critical', 'normal', 'bulk'] as const
export type DataLane = (typeof DATA_LANES)[number]

/** Of one direction, each per second. */
export interface Flow {
  readonly frames: Readonly<Record<DataLane, number>>
  readonly bytes: number
  readonly requests: number
}

/** What moved between two samples, per second. */
export interface Rates {
  readonly seconds: number
  readonly in: Flow
  readonly out: Flow
  /** Messages left out because a lane was full, its lanes were lost, or nobody wanted them. */
  readonly dropped: number
  readonly expired: number
  /** Of one core, 0 to 1; more with several threads. */
  readonly cpu: number
}

const DROPS = ['droppedFull', 'droppedLost', 'droppedTopic', 'droppedUnhandled', 'droppedLate'] as const

/** The figures of the bus; 0 for one that it does not have. */
export function busFigure({ status }: Pick<Sample, 'status'>, name: string): number {
  return status.components.find((component) => component.name === 'bus')?.figures?.[name] ?? 0
}

/** How many messages were left out since the start. */
export function droppedIn(sample: Pick<Sample, 'status'>): number {
  return DROPS.reduce((sum, name) => sum + busFigure(sample, name), 0)
}

/** `undefined` when the two do not belong together: no time between them, or another run of the daemon. */
export function ratesBetween(before: Sample | undefined, after: Sample): Rates | undefined {
  if (before === undefined) return undefined
  const seconds = (after.elapsedMs - before.elapsedMs) / 1_000
  const isSameRun =
    after.status.uptimeMs >= before.status.uptimeMs && after.process.cpuSeconds >= before.process.cpuSeconds
  if (!(seconds > 0) || !isSameRun) return undefined
  const perSecond = (of: (sample: Sample) => number): number => Math.max(0, of(after) - of(before)) / seconds
  const figure = (name: string): number => perSecond((sample) => busFigure(sample, name))
  const flow = (direction: 'In' | 'Out'): Flow => ({
    frames: {
      critical: figure(`critical${direction}`),
      normal: figure(`normal${direction}`),
      bulk: figure(`bulk${direction}`),
    },
    bytes: figure(`bytes${direction}`),
    requests: figure(`requests${direction}`),
  })
  return {
    seconds,
    in: flow('In'),
    out: flow('Out'),
    dropped: perSecond(droppedIn),
    expired: figure('droppedExpired'),
    cpu: perSecond((sample) => sample.process.cpuSeconds),
  }
}
