import { bytesEqual, type PeerId } from '../base/index.ts'
import { GROUPS, type Group, type LogRef, type Summary } from './log-index.ts'
import { type Heads, Shares } from './shares.ts'
import type { Claim, Hello, Range } from './wire.ts'

/** WANTs under way with one peer: the next is on its way before the last is served. */
export const WANTS_IN_FLIGHT = 2
/** Pages of HAVE read from one peer in one comparison. */
export const HAVE_MAX_PAGES = 50
/** A WANT that brings nothing for so long is given to another peer. */
export const WANT_STALL_MS = 30_000
/** After a failure the peer is asked again after so long, then twice as long, and so on. */
export const RETRY_MIN_MS = 5_000
export const RETRY_MAX_MS = 300_000
/** The least time between a comparison and another one that the peer's own words cause. */
export const HEARD_MIN_MS = 5_000
const ABANDONED_MAX = 16

export interface Holdings extends Heads {
  summary(group: Group): Summary
}

export type Summaries = Pick<Hello, Group>

/** What an honest peer does not do: send what was not asked, more than was asked, less than it claimed, or nothing at all. */
export type Fault = 'unasked' | 'excess' | 'short' | 'silent'

export type CatchUpEvent =
  /** Compare all we hold with this peer. */
  | { readonly on: 'begin'; readonly peer: PeerId }
  /** The answer to `ask-hello`. */
  | { readonly on: 'hello'; readonly peer: PeerId; readonly theirs: Summaries }
  /** The answer to `ask-have`. */
  | { readonly on: 'have'; readonly peer: PeerId; readonly claims: readonly Claim[]; readonly more: boolean }
  /** The peer said unasked what it holds: in a HELLO of its own, or in DONE. */
  | { readonly on: 'heard'; readonly peer: PeerId; readonly theirs: Summaries }
  /** The peer said unasked that some logs have grown. */
  | { readonly on: 'news'; readonly peer: PeerId; readonly claims: readonly Claim[] }
  /** Records before some that the peer sent are missing, or it holds another record where our head is. */
  | { readonly on: 'gap'; readonly peer: PeerId; readonly ranges: readonly Range[] }
  /** Frames for a WANT came and were dealt with. */
  | {
      readonly on: 'rec'
      readonly peer: PeerId
      readonly want: number
      readonly frames: number
      readonly stored: number
      readonly last: boolean
    }
  /** Something it sent shows that we lack control records. */
  | { readonly on: 'differs'; readonly peer: PeerId }
  | { readonly on: 'failed'; readonly peer: PeerId }
  /** The peer is no longer linked, a member, or trusted. */
  | { readonly on: 'gone'; readonly peer: PeerId }
  | { readonly on: 'tick' }

export type CatchUpEffect =
  | { readonly do: 'ask-hello'; readonly peer: PeerId }
  | { readonly do: 'ask-have'; readonly peer: PeerId; readonly group: Group; readonly after: LogRef | undefined }
  | { readonly do: 'send-want'; readonly peer: PeerId; readonly want: number; readonly ranges: readonly Range[] }
  | { readonly do: 'send-done'; readonly peer: PeerId }
  | { readonly do: 'retry-parked' }
  | { readonly do: 'blame'; readonly peer: PeerId; readonly fault: Fault }
  | { readonly do: 'tell-in-step'; readonly peer: PeerId; readonly received: number; readonly elapsedMs: number }
  | { readonly do: 'tell-ended'; readonly peer: PeerId; readonly completed: boolean }

interface OpenWant {
  readonly ranges: readonly Range[]
  readonly asked: number
  got: number
}

/** Where we stand with one peer. */
interface Pull {
  readonly peer: PeerId
  /** idle -> hello -> have -> fetch -> have -> fetch -> idle, for control and then data; news and gaps: idle -> fetch -> idle. */
  phase: 'idle' | 'hello' | 'have' | 'fetch'
  /** All we hold, as against fetching what news and gaps tell. */
  comparing: boolean
  /** What is compared or fetched now; news and gaps may be of either. */
  group: Group | undefined
  pages: number
  /** Another comparison was asked for meanwhile. */
  again: boolean
  theirs: Summaries | undefined
  inStep: boolean
  readonly wants: Map<number, OpenWant>
  /** WANTs given up: what still comes for them is late, not unasked. */
  readonly abandoned: Set<number>
  startedAt: number
  progressedAt: number
  endedAt: number
  received: number
  failures: number
  /** When to begin by ourselves; 0 for never. */
  retryAt: number
}

/**
 * Catch-up of one space with all its peers, docs/specs/sync.md: a state machine without clock, disk or network. It compares
 * holdings with each peer, control logs first, shares the missing ranges out among those who claim them, and takes them back
 * from whoever does not deliver.
 */
export class CatchUp {
  readonly #holdings: Holdings
  readonly #shares: Shares
  readonly #pulls = new Map<PeerId, Pull>()
  #effects: CatchUpEffect[] = []
  #now = 0
  #lastWant = 0

  constructor(holdings: Holdings) {
    this.#holdings = holdings
    this.#shares = new Shares(holdings)
  }

  /** `nowMs` is monotonic. Effects are to be carried out in order. */
  handle(event: CatchUpEvent, nowMs: number): readonly CatchUpEffect[] {
    this.#now = nowMs
    this.#shares.now = nowMs
    this.#take(event)
    for (const pull of this.#pulls.values()) this.#noteInStep(pull)
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Whether anything waits that `tick` may have to move on. */
  get isActive(): boolean {
    return this.#pulls.values().some(({ phase, retryAt }) => phase !== 'idle' || retryAt > 0)
  }

  inStepWith(): readonly PeerId[] {
    return [...this.#pulls.values()].filter(({ inStep }) => inStep).map(({ peer }) => peer)
  }

  /** Records that peers claim and we lack. */
  behind(): number {
    return this.#shares.behind()
  }

  #take(event: CatchUpEvent): void {
    if (event.on === 'tick') this.#tick()
    else if (event.on === 'gone') this.#gone(event.peer)
    else this.#takeFrom(this.#pull(event.peer), event)
  }

  #takeFrom(pull: Pull, event: Exclude<CatchUpEvent, { readonly on: 'tick' | 'gone' }>): void {
    switch (event.on) {
      case 'begin':
        this.#begin(pull)
        break
      case 'hello':
        this.#onHello(pull, event.theirs)
        break
      case 'have':
        this.#onHave(pull, event.claims, event.more)
        break
      case 'heard':
        this.#onHeard(pull, event.theirs)
        break
      case 'news':
        this.#onNews(pull, event.claims)
        break
      case 'gap':
        this.#shares.noteGaps(pull.peer, event.ranges)
        this.#fetch(pull)
        break
      case 'rec':
        this.#onRec(pull, event)
        break
      case 'differs':
        this.#beginInTime(pull)
        break
      case 'failed':
        this.#fail(pull)
        break
    }
  }

  #begin(pull: Pull): void {
    if (pull.phase !== 'idle') {
      pull.again = true
      return
    }
    this.#leaveIdle(pull, 'hello', true)
    this.#effects.push({ do: 'ask-hello', peer: pull.peer })
  }

  /** A peer's own words make us begin, but not over and over again. */
  #beginInTime(pull: Pull): void {
    const dueAt = pull.endedAt + HEARD_MIN_MS
    if (pull.phase === 'idle' && this.#now < dueAt) pull.retryAt = dueAt
    else this.#begin(pull)
  }

  #leaveIdle(pull: Pull, phase: 'hello' | 'fetch', comparing: boolean): void {
    pull.phase = phase
    pull.comparing = comparing
    pull.group = undefined
    pull.again = false
    pull.received = 0
    pull.retryAt = 0
    pull.startedAt = this.#now
    pull.progressedAt = this.#now
  }

  #onHello(pull: Pull, theirs: Summaries): void {
    if (pull.phase !== 'hello') return
    pull.theirs = theirs
    this.#compare(pull, theirs, 'control')
  }

  #compare(pull: Pull, theirs: Summaries, group: Group): void {
    if (!this.#isSame(theirs, group)) {
      pull.phase = 'have'
      pull.group = group
      pull.pages = 0
      this.#effects.push({ do: 'ask-have', peer: pull.peer, group, after: undefined })
    } else if (group === 'control') this.#compare(pull, theirs, 'data')
    else this.#finish(pull)
  }

  #onHave(pull: Pull, claims: readonly Claim[], more: boolean): void {
    const { peer, group } = pull
    if (pull.phase !== 'have' || group === undefined) return
    this.#shares.note(peer, claims)
    const after = claims.at(-1)
    pull.pages++
    if (more && after !== undefined && pull.pages < HAVE_MAX_PAGES) {
      this.#effects.push({ do: 'ask-have', peer, group, after })
      return
    }
    if (this.#shares.offersNews(peer, group)) pull.inStep = false
    pull.phase = 'fetch'
    pull.progressedAt = this.#now
    this.#pump(pull)
  }

  #onHeard(pull: Pull, theirs: Summaries): void {
    pull.theirs = theirs
    if (pull.phase === 'idle' && !this.#isInStep(pull)) this.#beginInTime(pull)
  }

  #onNews(pull: Pull, claims: readonly Claim[]): void {
    this.#shares.note(pull.peer, claims)
    // Of an author whom we do not know: the control records that admit it come first.
    if (claims.some((claim) => !this.#holdings.admits(claim))) this.#beginInTime(pull)
    else this.#fetch(pull)
  }

  /** Fetches what is offered, without a comparison if none is under way. */
  #fetch(pull: Pull): void {
    if (pull.phase === 'idle' && this.#shares.offersNews(pull.peer)) this.#leaveIdle(pull, 'fetch', false)
    if (pull.phase === 'fetch') this.#pump(pull)
  }

  #onRec(pull: Pull, rec: CatchUpEvent & { readonly on: 'rec' }): void {
    const open = pull.wants.get(rec.want)
    if (open === undefined) {
      if (!pull.abandoned.has(rec.want)) this.#blame(pull, 'unasked')
      return
    }
    open.got += rec.frames
    pull.received += rec.stored
    pull.progressedAt = this.#now
    if (open.got > open.asked) this.#blame(pull, 'excess')
    else if (!rec.last) return
    pull.wants.delete(rec.want)
    this.#shares.settle(pull.peer, open.ranges)
    if (open.got < open.asked) this.#blame(pull, 'short')
    this.#pumpAll()
  }

  #pumpAll(): void {
    for (const pull of this.#pulls.values()) if (pull.phase === 'fetch') this.#pump(pull)
  }

  /** Asks for as much as may be under way, and goes on when nothing is left. */
  #pump(pull: Pull): void {
    const { peer, wants } = pull
    while (wants.size < WANTS_IN_FLIGHT) {
      const ranges = this.#shares.assign(peer, pull.group)
      if (ranges.length === 0) break
      const want = ++this.#lastWant
      if (wants.size === 0) pull.progressedAt = this.#now
      wants.set(want, { ranges, asked: ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0), got: 0 })
      this.#effects.push({ do: 'send-want', peer, want, ranges })
    }
    // What others were asked for may yet fall to this peer.
    if (wants.size > 0 || this.#shares.offersNews(peer, pull.group)) return
    if (pull.group === 'control' && pull.theirs !== undefined) {
      if (pull.received > 0) this.#effects.push({ do: 'retry-parked' })
      this.#compare(pull, pull.theirs, 'data')
    } else this.#finish(pull)
  }

  #finish(pull: Pull): void {
    const { comparing, again, received, peer } = pull
    pull.phase = 'idle'
    pull.endedAt = this.#now
    pull.failures = 0
    if (comparing) this.#effects.push({ do: 'tell-ended', peer, completed: true })
    if (again) this.#begin(pull)
    else if (received > 0 && !this.#pulls.values().some(({ phase }) => phase !== 'idle')) this.#tellDone()
    else if (comparing && !this.#isInStep(pull)) this.#effects.push({ do: 'send-done', peer })
  }

  /** All is fetched: whoever does not know yet that it is in step with us may learn it now. */
  #tellDone(): void {
    for (const { peer, inStep } of this.#pulls.values()) if (!inStep) this.#effects.push({ do: 'send-done', peer })
  }

  #fail(pull: Pull): void {
    if (pull.phase === 'idle') return
    const { peer, comparing } = pull
    this.#abandon(pull)
    pull.failures++
    pull.retryAt = this.#now + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (pull.failures - 1))
    pull.phase = 'idle'
    pull.endedAt = this.#now
    if (comparing) this.#effects.push({ do: 'tell-ended', peer, completed: false })
    this.#pumpAll()
  }

  #abandon({ peer, wants, abandoned }: Pull): void {
    if (abandoned.size >= ABANDONED_MAX) abandoned.clear()
    for (const want of wants.keys()) abandoned.add(want)
    wants.clear()
    this.#shares.release(peer)
  }

  #gone(peer: PeerId): void {
    const pull = this.#pulls.get(peer)
    if (pull === undefined) return
    this.#fail(pull)
    this.#shares.release(peer)
    this.#pulls.delete(peer)
  }

  #tick(): void {
    for (const pull of this.#pulls.values()) {
      if (pull.wants.size > 0 && this.#now - pull.progressedAt >= WANT_STALL_MS) {
        this.#blame(pull, 'silent')
        this.#fail(pull)
      } else if (pull.phase === 'idle' && pull.retryAt > 0 && pull.retryAt <= this.#now) this.#begin(pull)
    }
  }

  #blame({ peer }: Pull, fault: Fault): void {
    this.#effects.push({ do: 'blame', peer, fault })
  }

  #isSame(theirs: Summaries, group: Group): boolean {
    const ours = this.#holdings.summary(group)
    return ours.logs === theirs[group].logs && bytesEqual(ours.fingerprint, theirs[group].fingerprint)
  }

  #isInStep({ theirs }: Pull): boolean {
    return theirs !== undefined && GROUPS.every((group) => this.#isSame(theirs, group))
  }

  #noteInStep(pull: Pull): void {
    if (pull.inStep || !this.#isInStep(pull)) return
    pull.inStep = true
    const { peer, received, startedAt } = pull
    this.#effects.push({ do: 'tell-in-step', peer, received, elapsedMs: this.#now - startedAt })
  }

  #pull(peer: PeerId): Pull {
    const known = this.#pulls.get(peer)
    if (known !== undefined) return known
    const pull: Pull = {
      peer,
      phase: 'idle',
      comparing: false,
      group: undefined,
      pages: 0,
      again: false,
      theirs: undefined,
      inStep: false,
      wants: new Map(),
      abandoned: new Set(),
      startedAt: this.#now,
      progressedAt: this.#now,
      endedAt: Number.NEGATIVE_INFINITY,
      received: 0,
      failures: 0,
      retryAt: 0,
    }
    this.#pulls.set(peer, pull)
    return pull
  }
}
