import { type Events, keepNewest, type PeerId } from '../../base/index.ts'
import { CONTACTS_MAX } from '../limits.ts'
import type { BusEvents, LinkQuality, PeerPresence, RttClass } from '../types.ts'

const RTT_CLASSES: readonly (readonly [below: number, rttClass: RttClass])[] = [
  [10, 'local'],
  [50, 'near'],
  [200, 'far'],
  [Number.POSITIVE_INFINITY, 'slow'],
]
/** A round trip must lie so far beyond a border before it counts as another class. */
const RTT_MARGIN = 0.2

const NONE: LinkQuality = { kind: 'none', via: undefined, rtt: undefined, reason: 'never linked' }

/** Tells when a peer is reached in another way than before. */
export class LinkReports {
  readonly #events: Events<BusEvents>
  readonly #last = new Map<PeerId, LinkQuality>()

  constructor(components: { readonly events: Events<BusEvents> }) {
    this.#events = components.events
  }

  look(presence: PeerPresence): void {
    const { peer } = presence
    const before = this.#last.get(peer) ?? NONE
    const now = qualityOf(presence, before)
    if (now.kind === before.kind && now.via === before.via && now.rtt === before.rtt) return
    this.#last.delete(peer)
    this.#last.set(peer, now)
    keepNewest(this.#last, CONTACTS_MAX)
    this.#events.emit('link:changed', { peer, ...now, before: before.kind })
  }
}

function qualityOf({ state, link, via, rttMs, reason }: PeerPresence, before: LinkQuality): LinkQuality {
  if (state === 'reachable') return { kind: 'relayed', via, rtt: undefined, reason }
  if (link === undefined || (state !== 'ready' && state !== 'suspected')) return { ...NONE, reason }
  const rtt = rttMs === undefined ? undefined : rttClass(rttMs, before.rtt)
  return { kind: link.kind, via: link.via, rtt, reason: link.reason }
}

/** The class of a round trip; the one from before as long as it lies about there. */
export function rttClass(rttMs: number, before: RttClass | undefined): RttClass {
  const classOf = (ms: number): RttClass => RTT_CLASSES.find(([below]) => ms < below)?.[1] ?? 'slow'
  const stays = before === classOf(rttMs * (1 - RTT_MARGIN)) || before === classOf(rttMs * (1 + RTT_MARGIN))
  return stays && before !== undefined ? before : classOf(rttMs)
}
