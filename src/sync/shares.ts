import type { PeerId } from '../base/index.ts'
import { type Group, groupOf, type LogRef, logKey } from './log-index.ts'
import { type Claim, type Range, SHORT_ID_BYTES, WANT_MAX_RANGES } from './wire.ts'

/** Frames that one WANT asks for: the granularity at which work is shared among peers and handed on when one fails. */
export const WANT_MAX_FRAMES = 2_048
/** A log that a peer claimed and did not deliver is not asked of it again for so long. */
export const BAR_MS = 600_000
export const BARS_MAX = 4_096
/** Logs that one peer may claim to be ahead of us in; what it claims beyond is not noted. */
export const CLAIMS_MAX = 100_000
/** Places in forked logs that wait to be asked for, per peer. */
const PROOFS_MAX = 16

/** What we hold ourselves. */
export interface Heads {
  head(key: string): { readonly seq: number; readonly id: string } | undefined
  /** Whether a log belongs to the space by its membership. */
  admits(log: LogRef): boolean
  /** Where membership ends a log; undefined if it does not. What is claimed beyond is not asked for. */
  endOf(log: LogRef): number | undefined
}

/** Part of a log that one peer was asked for. Nobody else is asked for that log meanwhile, so nothing comes twice. */
interface Lease {
  readonly peer: PeerId
  readonly to: number
}

interface Offer {
  /** By log. */
  readonly claims: Map<string, Claim>
  readonly proofs: Range[]
  /** Claims were left out for want of room. */
  isCut: boolean
}

/** Who claims what that we lack, and who was asked for it. */
export class Shares {
  readonly #heads: Heads
  readonly #offers = new Map<PeerId, Offer>()
  readonly #leases = new Map<string, Lease>()
  /** Peer and log, until when: claims that led to nothing. */
  readonly #bars = new Map<string, number>()
  /** Monotonic, milliseconds; set by the owner before each use. */
  now = 0

  constructor(heads: Heads) {
    this.#heads = heads
  }

  /** Keeps claims that are ahead of us, and places where the peer holds another record than we do. */
  note(peer: PeerId, claims: readonly Claim[]): void {
    const offer = this.#offer(peer)
    for (const claim of claims) {
      const key = logKey(claim)
      const head = this.#heads.head(key)
      if (claim.seq > (head?.seq ?? 0)) keep(offer, key, claim)
      else if (claim.seq === head?.seq && claim.shortId !== head.id.slice(0, SHORT_ID_BYTES * 2)) {
        this.#noteFork(peer, { author: claim.author, log: claim.log, from: claim.seq, to: claim.seq })
      }
    }
  }

  /** Keeps ranges that the peer must hold, because it sent what comes after them. */
  noteGaps(peer: PeerId, ranges: readonly Range[]): void {
    const offer = this.#offer(peer)
    for (const range of ranges) {
      const key = logKey(range)
      const { author, log, to } = range
      if (to <= (this.#heads.head(key)?.seq ?? 0)) this.#noteFork(peer, range)
      else if ((offer.claims.get(key)?.seq ?? 0) < to) keep(offer, key, { author, log, base: 1, seq: to, shortId: '' })
    }
  }

  /** The next ranges to ask this peer for, of these groups in their order. They are the peer's until settled. */
  assign(peer: PeerId, groups: readonly Group[]): readonly Range[] {
    const { claims, proofs } = this.#offer(peer)
    const ranges = proofs.splice(0)
    let budget = WANT_MAX_FRAMES - ranges.length
    for (const due of groups) {
      for (const [key, claim] of claims) {
        if (budget <= 0 || ranges.length >= WANT_MAX_RANGES) return ranges
        if (groupOf(claim.log) !== due || this.#missing(peer, key, claim) === 0) continue
        const lease = this.#leases.get(key)
        if (lease !== undefined && lease.peer !== peer) continue
        // A log that was pruned is taken from where it begins now.
        const from = Math.max((this.#heads.head(key)?.seq ?? 0) + 1, (lease?.to ?? 0) + 1, claim.base)
        const to = Math.min(claim.seq, this.#heads.endOf(claim) ?? claim.seq, from + budget - 1)
        if (from > to) continue
        budget -= to - from + 1
        this.#leases.set(key, { peer, to })
        ranges.push({ author: claim.author, log: claim.log, from, to })
      }
    }
    return ranges
  }

  /** Nothing more comes for these ranges. What is still missing of them is not asked of this peer again for a while. */
  settle(peer: PeerId, ranges: readonly Range[]): void {
    for (const range of ranges) {
      const key = logKey(range)
      const lease = this.#leases.get(key)
      if (lease?.peer === peer && lease.to === range.to) this.#leases.delete(key)
      if ((this.#heads.head(key)?.seq ?? 0) < range.to) this.#bar(peer, key)
    }
  }

  /** Takes back everything this peer was asked for, and forgets what it claimed. */
  release(peer: PeerId): void {
    this.#offers.delete(peer)
    for (const [key, lease] of this.#leases) if (lease.peer === peer) this.#leases.delete(key)
  }

  /** Whether the peer has something that we lack. */
  offersNews(peer: PeerId, group?: Group): boolean {
    const { claims, proofs } = this.#offer(peer)
    if (proofs.length > 0) return true
    for (const [key, claim] of claims) if (isOf(claim, group) && this.#missing(peer, key, claim) > 0) return true
    return false
  }

  /** Whether we hold all that the peer has claimed. */
  isClear(peer: PeerId): boolean {
    const { claims, proofs, isCut } = this.#offer(peer)
    for (const [key, claim] of claims) if (this.#lacking(peer, key, claim) > 0) return false
    return proofs.length === 0 && !isCut
  }

  /** Membership changed: what a peer could not deliver it may deliver now. */
  clearBars(): void {
    this.#bars.clear()
  }

  /** Records that peers claim and we lack. */
  behind(): number {
    const lacking = new Map<string, number>()
    for (const [peer, { claims }] of this.#offers) {
      for (const [key, claim] of claims) {
        lacking.set(key, Math.max(lacking.get(key) ?? 0, this.#missing(peer, key, claim)))
      }
    }
    return lacking.values().reduce((sum, missing) => sum + missing, 0)
  }

  /** Records of a claimed log that we lack and may ask this peer for. */
  #missing(peer: PeerId, key: string, claim: Claim): number {
    const lacking = this.#lacking(peer, key, claim)
    return lacking === 0 || this.#isBarred(peer, key) || !this.#heads.admits(claim) ? 0 : lacking
  }

  /** Records of a claimed log that we lack; a claim that is no longer ahead of us is forgotten. */
  #lacking(peer: PeerId, key: string, claim: Claim): number {
    const held = this.#heads.head(key)?.seq ?? 0
    if (claim.seq <= held) {
      this.#offer(peer).claims.delete(key)
      return 0
    }
    const end = Math.min(claim.seq, this.#heads.endOf(claim) ?? claim.seq)
    return Math.max(0, end - Math.max(held, claim.base - 1))
  }

  /** Asks once for the record at a place where the peer has another one than we: it is the proof of a fork. */
  #noteFork(peer: PeerId, range: Range): void {
    const { proofs } = this.#offer(peer)
    const key = `${logKey(range)} ${range.from}`
    if (this.#isBarred(peer, key) || proofs.length >= PROOFS_MAX) return
    this.#bar(peer, key)
    proofs.push(range)
  }

  #bar(peer: PeerId, key: string): void {
    for (const oldest of this.#bars.keys()) {
      if (this.#bars.size < BARS_MAX) break
      this.#bars.delete(oldest)
    }
    this.#bars.set(`${peer} ${key}`, this.now + BAR_MS)
  }

  #isBarred(peer: PeerId, key: string): boolean {
    return (this.#bars.get(`${peer} ${key}`) ?? 0) > this.now
  }

  #offer(peer: PeerId): Offer {
    const known = this.#offers.get(peer)
    if (known !== undefined) return known
    const offer: Offer = { claims: new Map(), proofs: [], isCut: false }
    this.#offers.set(peer, offer)
    return offer
  }
}

function keep(offer: Offer, key: string, claim: Claim): void {
  if (offer.claims.size < CLAIMS_MAX || offer.claims.has(key)) offer.claims.set(key, claim)
  else offer.isCut = true
}

function isOf(claim: Claim, group: Group | undefined): boolean {
  return group === undefined || groupOf(claim.log) === group
}
