import { bytesEqual, hexOf, type PeerId } from '../base/index.ts'
import { GROUPS, type Group, type LogIndex, type LogRef, termOf } from './log-index.ts'
import { RangeWalk } from './range-walk.ts'
import type { RangeAnswer, RangeNode, SinceNews } from './range-wire.ts'
import { Sums } from './sums.ts'
import type { Claim, ForkSummary, Have, Hello, Holding, Keeping } from './wire.ts'

/** Groups of more logs at both peers are compared by ranges, smaller ones by HAVE. */
export const RANGES_MIN_LOGS = 16
/** Groups of more logs are compared by one of two peers for both, smaller ones by each for itself, which is sooner done. */
export const SHARED_WALK_MIN_LOGS = 2_000
/** Pages of HAVE, of news and of fork proofs that are read from one peer in one comparison. */
export const HAVE_MAX_PAGES = 50
export const SINCE_MAX_PAGES = 1_000
/** Records of its store that an honest peer has looked at before it says that there is more. */
export const SINCE_PAGE_MIN_RECORDS = 1_000
export const FORKS_MAX_PAGES = 64

/** Where a cursor into another peer's store stands: all that it had stored up to `rid` is held here. */
export interface Cursor {
  /** 32 hexadecimal digits. */
  readonly storeId: string
  readonly rid: number
}

/** What a comparison needs to know of us. */
export interface Ours {
  readonly self: PeerId
  readonly index: LogIndex
  keeping(group: Group): Keeping
  forks(): ForkSummary
  cursor(peer: PeerId): Cursor | undefined
}

export type Theirs = Pick<Hello, 'storeId' | 'position' | 'holds' | 'forks'>

export type Question =
  | { readonly do: 'ask-since'; readonly peer: PeerId; readonly storeId: Uint8Array; readonly rid: number }
  | { readonly do: 'ask-have'; readonly peer: PeerId; readonly group: Group; readonly after: LogRef | undefined }
  | { readonly do: 'ask-range'; readonly peer: PeerId; readonly group: Group; readonly nodes: readonly RangeNode[] }
  | { readonly do: 'ask-forks'; readonly peer: PeerId; readonly after: LogRef | undefined }

/** `lie`: no honest peer answers so. */
export type Step =
  | Question
  | { readonly do: 'fetch'; readonly group: Group | undefined; readonly ahead: readonly LogRef[] | undefined }
  | { readonly do: 'await'; readonly group: Group }
  | { readonly do: 'lie' }
  | { readonly do: 'end' }

const STAGES: readonly (Group | 'forks')[] = ['control', 'forks', 'durable', 'expiring']
const END: Step = { do: 'end' }
const LIE: Step = { do: 'lie' }

/**
 * One comparison with one peer, from its HELLO on: what to ask it next. By the cursor if there is one, which costs as much as
 * there is news, else group by group: small ones by HAVE, large ones by ranges.
 */
export class Comparison {
  readonly #peer: PeerId
  readonly #ours: Ours
  readonly theirs: Theirs
  #stage = 0
  #pages = 0
  #walk: RangeWalk | undefined
  #audit: Audit | undefined
  /** Where the last page of news ended. */
  #through = 0
  /** It goes by the cursor alone. */
  #quick = false
  /** Whether all was looked at. */
  isComplete = true

  constructor(peer: PeerId, ours: Ours, theirs: Theirs) {
    this.#peer = peer
    this.#ours = ours
    this.theirs = theirs
  }

  /** Whether it goes by the cursor alone. */
  get isQuick(): boolean {
    return this.#quick
  }

  /** `trustCursor`: whether the cursor may do, if there is one. */
  begin(trustCursor: boolean): Step {
    if (GROUPS.every((group) => !this.#differs(group))) return this.#forks()
    const cursor = this.#ours.cursor(this.#peer)
    const { storeId, position } = this.theirs
    const isOfUse = cursor !== undefined && cursor.storeId === hexOf(storeId) && cursor.rid <= position
    if (!trustCursor || !isOfUse) return this.#next()
    this.#through = cursor.rid
    if (cursor.rid < position) return this.#askSince()
    this.#quick = true
    return this.#forks()
  }

  onSince(news: SinceNews | undefined): Step {
    if (news === undefined) return this.#next()
    const passed = news.through - this.#through
    // A page that is not the last is a full one: otherwise it would never end.
    if (passed < 0 || (news.more && passed < SINCE_PAGE_MIN_RECORDS) || ++this.#pages > SINCE_MAX_PAGES) return LIE
    this.#through = news.through
    // What the peer has stored since its HELLO it will tell another time.
    if (news.more && this.#through < this.theirs.position) return this.#askSince()
    this.#quick = true
    return { do: 'fetch', group: undefined, ahead: undefined }
  }

  onHave({ claims, more, fingerprint }: Pick<Have, 'claims' | 'more' | 'fingerprint'>): Step {
    const group = this.#group()
    if (group === undefined) return END
    this.#audit?.page(claims, fingerprint)
    this.#pages++
    const after = claims.at(-1)
    if (more && after === undefined) return LIE
    if (more && this.#pages < HAVE_MAX_PAGES) return { do: 'ask-have', peer: this.#peer, group, after }
    if (more) this.isComplete = false
    else if (this.#audit?.isContradiction) return LIE
    return this.#fetch(group)
  }

  onRange(answer: RangeAnswer): Step {
    const walk = this.#walk
    if (walk === undefined) return END
    if (!walk.take(answer)) return LIE
    if (walk.isDense) return this.#askHave(walk.group)
    const nodes = walk.next()
    if (nodes !== undefined) return { do: 'ask-range', peer: this.#peer, group: walk.group, nodes }
    if (walk.isCut) this.isComplete = false
    // The sums of all logs differ and those of their parts do not: what is told of either is wrong, or things have changed.
    else if (walk.differences === 0) return this.#askHave(walk.group)
    // Who waits and has nothing to hear hears that we are in step, once what was found is fetched.
    return this.#fetch(walk.group, walk.ahead.length > 0 ? walk.ahead : undefined)
  }

  onForks(more: boolean, after: LogRef | undefined): Step {
    this.#pages++
    if (more && after === undefined) return LIE
    if (more && this.#pages < FORKS_MAX_PAGES) return { do: 'ask-forks', peer: this.#peer, after }
    return this.#quick ? END : this.#next()
  }

  /** What was found missing has been fetched. */
  fetched(): Step {
    return this.#quick ? this.#forks() : this.#next()
  }

  /** The peer, which was to look for the differences, has not told of any. */
  walkItself(): Step {
    const group = this.#group()
    return group === undefined ? END : this.#askRange(group)
  }

  #next(): Step {
    for (let stage = STAGES[this.#stage]; stage !== undefined; stage = STAGES[this.#stage]) {
      this.#stage++
      if (stage === 'forks') {
        if (this.#forksDiffer()) return this.#askForks()
      } else if (this.#differs(stage)) return this.#compare(stage)
    }
    return END
  }

  /** Of two peers who both find that a large group differs, the one with the lower id looks where, and tells the other. */
  #compare(group: Group): Step {
    if (!this.#isForRanges(group)) return this.#askHave(group)
    if (!this.#isLarge(group) || this.#ours.self < this.#peer) return this.#askRange(group)
    this.isComplete = false
    return { do: 'await', group }
  }

  /** By what both know, so that both say the same. */
  #isLarge(group: Group): boolean {
    const [ours, theirs] = [this.#ours.index.summary(group).logs, this.theirs.holds[group]?.logs ?? 0]
    return Math.min(ours, theirs) > SHARED_WALK_MIN_LOGS
  }

  #isForRanges(group: Group): boolean {
    const [ours, theirs] = [this.#ours.index.summary(group).logs, this.theirs.holds[group]?.logs ?? 0]
    return Math.min(ours, theirs) > RANGES_MIN_LOGS && Math.max(ours, theirs) < 2 * Math.min(ours, theirs)
  }

  #askSince(): Step {
    return { do: 'ask-since', peer: this.#peer, storeId: this.theirs.storeId, rid: this.#through }
  }

  #askHave(group: Group): Step {
    this.#pages = 0
    this.#walk = undefined
    const claimed = this.theirs.holds[group]
    this.#audit = claimed === undefined ? undefined : new Audit(this.#ours.index, claimed)
    return { do: 'ask-have', peer: this.#peer, group, after: undefined }
  }

  #askRange(group: Group): Step {
    this.#walk = new RangeWalk(group, this.#ours.index, this.theirs.holds[group]?.logs ?? 0)
    const nodes = this.#walk.next() ?? []
    return { do: 'ask-range', peer: this.#peer, group, nodes }
  }

  #forks(): Step {
    return this.#forksDiffer() ? this.#askForks() : END
  }

  #askForks(): Step {
    this.#pages = 0
    return { do: 'ask-forks', peer: this.#peer, after: undefined }
  }

  #fetch(group: Group, ahead?: readonly LogRef[]): Step {
    this.#audit = undefined
    this.#walk = undefined
    return { do: 'fetch', group, ahead }
  }

  #forksDiffer(): boolean {
    const [ours, { forks }] = [this.#ours.forks(), this.theirs]
    return forks.count > 0 && !bytesEqual(ours.fingerprint, forks.fingerprint)
  }

  /** The group that is compared now. */
  #group(): Group | undefined {
    const stage = STAGES[this.#stage - 1]
    return stage === 'forks' ? undefined : stage
  }

  #differs(group: Group): boolean {
    const theirs = this.theirs.holds[group]
    if (theirs === undefined || this.#ours.keeping(group) === 'nothing') return false
    // It has what it wrote itself, of which we do not know the sum.
    if (theirs.keeps === 'nothing') return theirs.logs > 0
    const ours = this.#ours.index.summary(group)
    return ours.logs !== theirs.logs || !bytesEqual(ours.fingerprint, theirs.fingerprint)
  }
}

/**
 * Whether what a peer claims log by log fits what it said of all together. If all its claims are heads of ours, we can add up
 * what its fingerprint must be; and each page says whether anything has changed since.
 */
class Audit {
  readonly #index: LogIndex
  readonly #claimed: Holding
  readonly #sums = new Sums(1)
  #isConclusive = true

  constructor(index: LogIndex, claimed: Holding) {
    this.#index = index
    this.#claimed = claimed
  }

  page(claims: readonly Claim[], fingerprint: Uint8Array | undefined): void {
    if (fingerprint === undefined || !bytesEqual(fingerprint, this.#claimed.fingerprint)) this.#isConclusive = false
    for (const claim of claims) {
      const head = this.#isConclusive ? this.#index.head(`${claim.author}/${claim.log}`) : undefined
      if (head === undefined || head.seq !== claim.seq || !head.id.startsWith(claim.shortId)) {
        this.#isConclusive = false
        return
      }
      this.#sums.add(0, termOf(head))
    }
  }

  get isContradiction(): boolean {
    if (!this.#isConclusive) return false
    return this.#sums.count(0) !== this.#claimed.logs || !bytesEqual(this.#sums.bytes(0), this.#claimed.fingerprint)
  }
}

/** Of a peer that keeps less than all we take only what it wrote itself, so no cursor tells what we have of the rest. */
export function isWhole({ holds }: Theirs): boolean {
  return GROUPS.every((group) => (holds[group]?.keeps ?? 'bodies') === 'bodies')
}
