import { jitter, type PeerId, type Random } from '../base/index.ts'
import { dialableAddresses, fewAddresses } from './addresses.ts'
import type { LinkKind } from './transport.ts'

/** Peers whose addresses are remembered; beyond it one that nobody wants gives way, or the newcomer is not taken. */
export const KNOWN_PEERS = 1_000
/** Dials under way at once. */
export const KEEPER_PARALLEL_DIALS = 8
export const BACKOFF_FIRST_MS = 500
export const BACKOFF_MAX_MS = 60_000
/** A link that held this long counts as a success; one that fell sooner makes the next wait longer. */
export const STABLE_AFTER_MS = 30_000
/** News about a peer brings the next attempt forward, but not closer than this to the last. */
export const RETRY_FLOOR_MS = 1_000
/** A relayed link is to become a direct one: the first attempt comes so soon, and the wait doubles with each. */
export const UPGRADE_FIRST_MS = 2_000
export const UPGRADE_MAX_MS: number = 10 * 60 * 1000

/** `relayed`: linked through a relay, while a direct way is looked for. */
export type ContactState = 'linked' | 'relayed' | 'dialing' | 'waiting' | 'no-address'

/** All times are milliseconds of one monotonic clock. */
interface Contact {
  wanted: boolean
  /** Newest first. */
  addresses: readonly string[]
  state: ContactState
  reason: string | undefined
  since: number
  failures: number
  nextAttemptAt: number
  lastAttemptAt: number
  /** An address was learned while a dial was under way. */
  hasNews: boolean
  /** A dial for a direct link is under way beside the relayed one. */
  upgrading: boolean
}

export interface ContactStatus {
  readonly peer: PeerId
  readonly state: ContactState
  /** Why it is not linked, or not directly. */
  readonly reason: string | undefined
  readonly since: number
  readonly nextAttemptAt: number | undefined
  readonly addresses: readonly string[]
}

export interface Attempt {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  /** A direct link is wanted beside the relayed one. */
  readonly direct: boolean
}

/** Which peers should be linked, where they may be, and when to try next. Decides only; `ConnectionKeeper` acts. */
export class Contacts {
  readonly #random: Random
  readonly #byPeer = new Map<PeerId, Contact>()
  #ignored = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Newcomers that found no room. */
  get ignored(): number {
    return this.#ignored
  }

  /** Replaces the set of wanted peers. Those no longer wanted are not dialled any more; their links stay. */
  want(peers: ReadonlyMap<PeerId, readonly string[]>, now: number): void {
    for (const [peer, contact] of this.#byPeer) if (!peers.has(peer)) contact.wanted = false
    for (const [peer, addresses] of peers) {
      const contact = this.#contact(peer, now)
      if (contact === undefined) continue
      // One that is linked over a relay is given the time to say where it is.
      if (!contact.wanted && contact.state !== 'relayed') contact.nextAttemptAt = now
      contact.wanted = true
      this.learn(peer, addresses, now)
    }
  }

  isWanted(peer: PeerId): boolean {
    return this.#byPeer.get(peer)?.wanted ?? false
  }

  /** The newest addresses go first. Says whether one of them is new. */
  learn(peer: PeerId, addresses: readonly string[], now: number): boolean {
    const contact = this.#contact(peer, now)
    if (contact === undefined) return false
    const offered = dialableAddresses(peer, addresses)
    const isNews = offered.some((address) => !contact.addresses.includes(address))
    contact.addresses = fewAddresses([...new Set([...offered, ...contact.addresses])])
    if (!isNews) return false
    if (isBusy(contact)) contact.hasNews = true
    else if (contact.state !== 'linked') this.#retrySoon(contact, now)
    return true
  }

  /** Tries again now. */
  nudge(peer: PeerId, now: number): void {
    const contact = this.#byPeer.get(peer)
    if (contact?.state !== 'waiting' && contact?.state !== 'relayed') return
    contact.failures = 0
    contact.nextAttemptAt = now
  }

  linked(peer: PeerId, kind: LinkKind, now: number): void {
    const contact = this.#contact(peer, now)
    const state = kind === 'direct' ? 'linked' : 'relayed'
    if (contact === undefined || contact.state === state) return
    enter(contact, state, undefined, now)
    contact.upgrading = false
    if (state === 'linked') return
    contact.failures = 0
    contact.nextAttemptAt = now + UPGRADE_FIRST_MS
  }

  /** Brings what is known in line with the links there are. */
  reconcile(links: ReadonlyMap<PeerId, LinkKind>, now: number): void {
    for (const [peer, contact] of this.#byPeer) {
      if (isLinked(contact) && !links.has(peer)) this.unlinked(peer, 'the link was lost', now)
    }
    for (const [peer, kind] of links) this.linked(peer, kind, now)
  }

  unlinked(peer: PeerId, reason: string, now: number): void {
    const contact = this.#byPeer.get(peer)
    if (contact === undefined || !isLinked(contact)) return
    // What was counted of a relayed link are attempts at a direct one.
    if (contact.state === 'relayed' || now - contact.since >= STABLE_AFTER_MS) contact.failures = 0
    if (!contact.upgrading) {
      this.#failed(contact, reason, now)
      return
    }
    // The dial that was to improve the link is now there to replace it.
    contact.upgrading = false
    enter(contact, 'dialing', reason, now)
  }

  dialFailed(peer: PeerId, reason: string, now: number): void {
    const contact = this.#byPeer.get(peer)
    if (contact === undefined || !isBusy(contact)) return
    if (contact.state === 'relayed') this.#notUpgraded(contact, reason, now)
    else this.#failed(contact, reason, now)
    if (contact.hasNews) this.#retrySoon(contact, now)
    contact.hasNews = false
  }

  /** Who is to be dialled now; the caller reports each outcome by `linked` or `dialFailed`. */
  takeDue(now: number): readonly Attempt[] {
    const due = [...this.#byPeer]
      .filter(([, contact]) => isWaiting(contact) && contact.nextAttemptAt <= now)
      .sort(([, a], [, b]) => a.nextAttemptAt - b.nextAttemptAt)
      .slice(0, this.#room())
    for (const [, contact] of due) {
      contact.lastAttemptAt = now
      if (contact.state === 'relayed') contact.upgrading = true
      else enter(contact, 'dialing', contact.reason, now)
    }
    return due.map(([peer, { addresses, upgrading }]) => ({ peer, addresses, direct: upgrading }))
  }

  /** When `takeDue` will next have something to say, unless a dial must end first. */
  nextDueAt(): number | undefined {
    if (this.#room() === 0) return undefined
    let next: number | undefined
    for (const contact of this.#byPeer.values()) {
      if (isWaiting(contact)) next = Math.min(next ?? contact.nextAttemptAt, contact.nextAttemptAt)
    }
    return next
  }

  addressesOf(peer: PeerId): readonly string[] {
    return this.#byPeer.get(peer)?.addresses ?? []
  }

  /** The wanted peers. */
  list(): readonly ContactStatus[] {
    return [...this.#byPeer]
      .filter(([, contact]) => contact.wanted)
      .map(([peer, { state, reason, since, nextAttemptAt, addresses }]) => ({
        peer,
        state,
        reason,
        since,
        nextAttemptAt: state === 'waiting' || state === 'relayed' ? nextAttemptAt : undefined,
        addresses,
      }))
  }

  #room(): number {
    let room = KEEPER_PARALLEL_DIALS
    for (const contact of this.#byPeer.values()) if (isBusy(contact)) room--
    return room
  }

  #failed(contact: Contact, reason: string, now: number): void {
    const delay = Math.min(BACKOFF_FIRST_MS * 2 ** contact.failures, BACKOFF_MAX_MS)
    contact.failures++
    contact.nextAttemptAt = now + Math.min(jitter(this.#random, delay), BACKOFF_MAX_MS)
    enter(contact, contact.addresses.length === 0 ? 'no-address' : 'waiting', reason, now)
  }

  #notUpgraded(contact: Contact, reason: string, now: number): void {
    contact.upgrading = false
    contact.failures++
    const delay = Math.min(UPGRADE_FIRST_MS * 2 ** contact.failures, UPGRADE_MAX_MS)
    contact.nextAttemptAt = now + jitter(this.#random, delay)
    contact.reason = reason
  }

  #retrySoon(contact: Contact, now: number): void {
    if (contact.state === 'no-address') enter(contact, 'waiting', contact.reason, now)
    const soon = Math.max(now, contact.lastAttemptAt + RETRY_FLOOR_MS)
    contact.nextAttemptAt = Math.min(contact.nextAttemptAt, soon)
  }

  #contact(peer: PeerId, now: number): Contact | undefined {
    const known = this.#byPeer.get(peer)
    if (known !== undefined) return known
    if (this.#byPeer.size >= KNOWN_PEERS && !this.#dropOne()) {
      this.#ignored++
      return undefined
    }
    const contact: Contact = {
      wanted: false,
      addresses: [],
      state: 'no-address',
      reason: 'no address is known',
      since: now,
      failures: 0,
      nextAttemptAt: now,
      lastAttemptAt: -RETRY_FLOOR_MS,
      hasNews: false,
      upgrading: false,
    }
    this.#byPeer.set(peer, contact)
    return contact
  }

  /** Forgets the peer known longest among those that are neither wanted nor linked. */
  #dropOne(): boolean {
    for (const [peer, contact] of this.#byPeer) {
      if (!contact.wanted && !isLinked(contact) && !isBusy(contact)) return this.#byPeer.delete(peer)
    }
    return false
  }
}

function isLinked({ state }: Contact): boolean {
  return state === 'linked' || state === 'relayed'
}

/** A dial is under way. */
function isBusy({ state, upgrading }: Contact): boolean {
  return state === 'dialing' || upgrading
}

function isWaiting({ wanted, state, upgrading }: Contact): boolean {
  return wanted && (state === 'waiting' || (state === 'relayed' && !upgrading))
}

function enter(contact: Contact, state: ContactState, reason: string | undefined, now: number): void {
  if (contact.state !== state) contact.since = now
  contact.state = state
  contact.reason = reason
}
