import type { Scheduler } from './scheduler.ts'
import type { Lane } from './types.ts'

/** What the bus counts; nothing that goes wrong with a single message is silent. */
export interface Counters {
  messagesIn: number
  messagesOut: number
  /** Frames of the lanes that carry messages, requests and answers. */
  criticalIn: number
  criticalOut: number
  normalIn: number
  normalOut: number
  bulkIn: number
  bulkOut: number
  bytesIn: number
  bytesOut: number
  /** A lane had no room for a published message. */
  droppedFull: number
  /** Too old before they could be sent. */
  droppedExpired: number
  /** Queued when the lanes were lost. */
  droppedLost: number
  /** From a peer that may not speak on the topic. */
  droppedTopic: number
  /** Messages and requests of a kind that nobody here takes. */
  droppedUnhandled: number
  /** Answers to requests that were given up. */
  droppedLate: number
  /** On open topics: more than an author or a neighbour may bring. */
  droppedFlood: number
  /** Signed messages from too long ago, or from the future. */
  droppedUntimely: number
  /** Signed messages received, and those of them that were known. */
  copiesIn: number
  duplicates: number
  /** Messages of others that did not come. */
  missed: number
  /** Traces that are no W3C traceparent; their messages went on without. */
  droppedTraces: number
  /** Questions whether others reach a silent peer, and such questions of others not answered: too many, or not theirs to ask. */
  probesOut: number
  probesRefused: number
  /** What went and came through others, and what of it was forged, old, known or not to be read. */
  parcelsOut: number
  parcelsIn: number
  parcelsDropped: number
  /** Of ours, refused by everybody whom we tried. */
  parcelsReturned: number
  /** Passed on for others, or refused to them. */
  parcelsPassed: number
  parcelsRefused: number
  /** Addresses of peers that are none of ours, or of us. */
  droppedAddresses: number
  /** Handlers and responders that threw what they should not. */
  handlerFailures: number
  /** Handlers that never settled. */
  handlersStuck: number
  requestsOut: number
  requestsIn: number
  /** Of these, asked before and not run again. */
  requestsRepeated: number
  /** Breaches of the protocol by peers. */
  faults: number
  /** Lanes not let in. */
  refusals: number
}

export function counters(): Counters {
  return {
    messagesIn: 0,
    messagesOut: 0,
    criticalIn: 0,
    criticalOut: 0,
    normalIn: 0,
    normalOut: 0,
    bulkIn: 0,
    bulkOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    droppedFull: 0,
    droppedExpired: 0,
    droppedLost: 0,
    droppedTopic: 0,
    droppedUnhandled: 0,
    droppedLate: 0,
    droppedFlood: 0,
    droppedUntimely: 0,
    copiesIn: 0,
    duplicates: 0,
    missed: 0,
    droppedTraces: 0,
    probesOut: 0,
    probesRefused: 0,
    parcelsOut: 0,
    parcelsIn: 0,
    parcelsDropped: 0,
    parcelsReturned: 0,
    parcelsPassed: 0,
    parcelsRefused: 0,
    droppedAddresses: 0,
    handlerFailures: 0,
    handlersStuck: 0,
    requestsOut: 0,
    requestsIn: 0,
    requestsRepeated: 0,
    faults: 0,
    refusals: 0,
  }
}

/** The names of all of these, for whoever shows them: they only grow. */
export const BUS_COUNTERS: readonly string[] = Object.keys(counters())

type DataLane = Exclude<Lane, 'control'>

export function countIn(total: Counters, lane: DataLane): void {
  if (lane === 'normal') total.normalIn++
  else if (lane === 'bulk') total.bulkIn++
  else total.criticalIn++
}

/** Adds what a session has sent on its lanes. */
export function addSent(total: Pick<Counters, `${DataLane}Out`>, scheduler: Scheduler): void {
  total.criticalOut += scheduler.sent('critical')
  total.normalOut += scheduler.sent('normal')
  total.bulkOut += scheduler.sent('bulk')
}
