import type { ComponentState, ComponentStatus } from '../base/index.ts'
import { addSent, type Counters } from './counters.ts'
import type { Dialogue } from './dialogue.ts'
import type { Lane, LinkState, PeerPresence } from './types.ts'

export interface StatusParts {
  readonly state: ComponentState
  readonly since: number
  readonly counters: Counters
  readonly dialogues: readonly Dialogue[]
  /** Figures of the tree, the mesh and the subscriptions. */
  readonly more: Readonly<Record<string, number>>
  readonly presence: readonly PeerPresence[]
}

/** The bus as `status` shows it: degraded while a linked and admitted peer has no lanes, or is silent on them. */
export function statusOf(parts: StatusParts): ComponentStatus {
  const { state, since } = parts
  const figures = figuresOf(parts)
  if (state !== 'ok') return { state, since, figures }
  const struggling = parts.presence.filter(({ state, reason }) => {
    return state === 'suspected' || (state === 'connecting' && reason !== undefined)
  })
  const [first] = struggling
  if (first === undefined) return { state, since, figures }
  const reason = `${struggling.length} of the linked peers cannot be spoken with: ${first.reason}`
  const fix = first.fix === undefined ? {} : { fix: first.fix }
  return { state: 'degraded', reason, since: Math.min(...struggling.map((peer) => peer.since)), ...fix, figures }
}

function figuresOf({ counters, dialogues, more, presence }: StatusParts): Readonly<Record<string, number>> {
  const sum = (of: (dialogue: Dialogue) => number): number => dialogues.reduce((total, one) => total + of(one), 0)
  const { bytesIn, bytesOut, droppedExpired, handlersStuck, ...others } = counters
  for (const { session } of dialogues) addSent(others, session.outbox.scheduler)
  const queued = (lane: Lane): number => sum(({ session }) => session.outbox.scheduler.queued(lane))
  const count = (of: LinkState): number => presence.filter(({ state }) => state === of).length
  return {
    peersReady: dialogues.length,
    peersSuspected: count('suspected'),
    peersReachable: count('reachable'),
    peersKnown: presence.length,
    ...others,
    ...more,
    bytesIn: bytesIn + sum(({ session }) => session.bytesIn),
    bytesOut: bytesOut + sum(({ session }) => session.outbox.bytesOut),
    droppedExpired: droppedExpired + sum(({ session }) => session.outbox.scheduler.expired),
    handlersStuck: handlersStuck + sum(({ session }) => session.stuckHandlers),
    criticalQueued: queued('critical'),
    normalQueued: queued('normal'),
    bulkQueued: queued('bulk'),
    queuedFrames: sum(({ session }) => session.outbox.scheduler.queuedFrames),
    queuedBytes: sum(({ session }) => session.outbox.scheduler.queuedBytes),
    requestsInFlight: sum(({ questions }) => questions.size),
  }
}
