import type { Clock, Events, HybridClock, Logger, PeerId, Random } from '../../base/index.ts'
import { Allowance } from '../allowance.ts'
import { routedPresence, unlinked } from '../contact.ts'
import type { Counters } from '../counters.ts'
import type { Dialogue } from '../dialogue.ts'
import { Delivery } from '../dispatcher.ts'
import type { BusError } from '../errors.ts'
import { FRAME, parseToken } from '../frames.ts'
import type { FrameOutcome } from '../inbound-lane.ts'
import type { Inbox } from '../inbox.ts'
import type { KindTable } from '../kind-table.ts'
import { LINKS_BURST, LINKS_PER_SECOND, PARCELS_IN_RATE } from '../limits.ts'
import type { OnceTable } from '../once-table.ts'
import { LinkReports } from '../presence/link-reports.ts'
import { parseLinks, parseProbe } from '../presence/presence-frames.ts'
import { Probes } from '../presence/probes.ts'
import type { InFlight } from '../questions.ts'
import { LANE_OF } from '../scheduler.ts'
import type { Seals } from '../seals.ts'
import type { Admission, BusEvents, Lane, PeerPresence, Responder } from '../types.ts'
import { Courier } from './courier.ts'
import { LinkNews } from './link-news.ts'
import { parseRelay, parseRelayRefused } from './parcel.ts'
import { Reach } from './reach.ts'
import { Relay } from './relay.ts'
import { Remote } from './remote.ts'

export interface RoutingComponents {
  readonly self: PeerId
  readonly seals: Seals
  readonly admission: Admission
  /** Ready peers. */
  readonly dialogues: ReadonlyMap<PeerId, Dialogue>
  readonly inbox: Inbox
  readonly responders: KindTable<Responder>
  readonly once: OnceTable
  readonly inFlight: InFlight
  readonly events: Events<BusEvents>
  readonly clock: Clock
  readonly hybridClock: HybridClock
  readonly random: Random
  readonly log: Logger
  readonly counters: Counters
}

/** What peers do for each other's links: vouch for the silent, tell whom they reach, pass on what is for others (docs/specs/presence.md). */
export class Routing {
  /** What goes to, and comes from, peers without lanes. */
  readonly remote: Remote
  readonly probes: Probes
  readonly #use: RoutingComponents
  readonly #reach = new Reach()
  readonly #news: LinkNews
  readonly #parcelsIn = new Allowance(PARCELS_IN_RATE)
  readonly #newsAllowances = new Allowance({ burst: LINKS_BURST, perSecond: LINKS_PER_SECOND })
  readonly #courier: Courier
  readonly #relay: Relay
  readonly #reports: LinkReports

  constructor(components: RoutingComponents) {
    const { signer } = components.seals
    const shared = { ...components, reach: this.#reach }
    this.#use = components
    this.#news = new LinkNews(shared)
    this.probes = new Probes(shared)
    this.#courier = new Courier({ ...shared, signer })
    this.#relay = new Relay(shared)
    this.remote = new Remote({ ...shared, courier: this.#courier })
    this.#reports = new LinkReports(shared)
  }

  /** Lanes with a peer are up. */
  welcome(peer: PeerId): void {
    this.#news.welcome(peer)
  }

  /** They are gone. */
  farewell(peer: PeerId): void {
    this.#reach.forget(peer)
    this.#news.farewell(peer)
    this.probes.forget(peer)
    this.#courier.farewell(peer)
  }

  /** A peer with lanes is suspected, or not any more. */
  doubted(peer: PeerId): void {
    this.#news.changed(peer)
  }

  reconsider(): void {
    this.#news.reconsider()
  }

  /** Called about once a second. */
  keepHouse(presence: readonly PeerPresence[]): void {
    this.#courier.expire()
    this.remote.expire()
    for (const one of presence) this.#reports.look(one)
  }

  stop(error: BusError): void {
    this.#news.stop()
    this.#courier.stop()
    this.remote.stop(error)
  }

  /** Would somebody pass on what is for this peer? */
  reaches(peer: PeerId): boolean {
    return this.#courier.wayTo(peer) !== undefined
  }

  /** How everyone stands, those included whom only others reach. */
  presence(seen: readonly PeerPresence[], since: number): readonly PeerPresence[] {
    const known = new Set(seen.map(({ peer }) => peer)).add(this.#use.self)
    const others = [...this.#reach.peers()].filter((peer) => !known.has(peer) && this.reaches(peer))
    return [...seen, ...others.map((peer) => unlinked(peer, since))].map((presence) => {
      const { peer, state } = presence
      const isApart = state === 'offline' || state === 'connecting'
      return isApart ? routedPresence(presence, this.#courier.wayTo(peer)) : presence
    })
  }

  /** A RELAY frame. */
  onRelay(dialogue: Dialogue, lane: Lane, payload: Uint8Array): FrameOutcome {
    const parcel = parseRelay(Uint8Array.from(payload))
    if (parcel === undefined) return 'a parcel that cannot be read'
    if (LANE_OF[parcel.priority] !== lane) return `priority ${parcel.priority} does not travel here`
    if (!this.remote.isFor(parcel)) return this.#relay.pass(dialogue, parcel, payload)
    const { peer } = dialogue.session
    if (!this.#parcelsIn.spend(peer, 1, this.#use.clock.monotonic())) {
      this.#use.counters.parcelsDropped++
      return undefined
    }
    return new Delivery(parcel.priority, () => this.remote.receive(peer, parcel))
  }

  /** RELAY_REFUSED, PROBE, PROBED and LINKS. Returns a sentence if the frame is malformed. */
  onControl(dialogue: Dialogue, type: number, payload: Buffer): string | undefined {
    const { peer } = dialogue.session
    if (type === FRAME.links) return this.#onLinks(peer, payload)
    if (type === FRAME.probe) {
      const probe = parseProbe(payload)
      if (probe === undefined) return 'a PROBE that cannot be read'
      this.probes.onProbe(dialogue, probe)
    } else if (type === FRAME.probed) {
      const token = parseToken(payload)
      if (token === undefined) return 'a PROBED that cannot be read'
      this.probes.onProbed(peer, token)
    } else {
      const refused = parseRelayRefused(payload)
      if (refused === undefined) return 'a refusal that cannot be read'
      this.#courier.refused(peer, refused.id, refused.code)
    }
    return undefined
  }

  #onLinks(peer: PeerId, payload: Uint8Array): string | undefined {
    if (!this.#newsAllowances.spend(peer, 1, this.#use.clock.monotonic())) return 'news of links without end'
    const change = parseLinks(payload)
    return change === undefined ? 'links that cannot be read' : this.#reach.learn(peer, change)
  }
}
