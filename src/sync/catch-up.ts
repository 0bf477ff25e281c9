import type { PeerId } from '../base/index.ts'
import type { CatchUpEffect, CatchUpEvent, Fault } from './catch-up-events.ts'
import type { Group, Summary } from './log-index.ts'
import { Parity, type Summaries } from './parity.ts'
import { type Heads, Shares } from './shares.ts'
import type { Claim, Range } from './wire.ts'

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
/** WANTs given up that are remembered: what still comes for them is late, not unasked. */
const ABANDONED_MAX = 256

export interface Holdings extends Heads {
  summary(group: Group): Summary
}

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
  readonly wants: Map<number, OpenWant>
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
  readonly #parity: Parity
  readonly #pulls = new Map<PeerId, Pull>()
  readonly #abandoned = new Map<number, PeerId>()
  #effects: CatchUpEffect[] = []
  #now = 0
  #lastWant = 0

  constructor(holdings: Holdings) {
    this.#holdings = holdings
    this.#shares = new Shares(holdings)
    this.#parity = new Parity((group) => holdings.summary(group))
  }

  /** `nowMs` is monotonic. Effects are to be carried out in order. */
  handle(event: CatchUpEvent, nowMs: number): readonly CatchUpEffect[] {
    this.#now = nowMs
    this.#shares.now = nowMs
    this.#take(event)
    for (const peer of this.#parity.takeNewInStep()) {
      const { received, startedAt } = this.#pull(peer)
      this.#effects.push({ do: 'tell-in-step', peer, received, elapsedMs: nowMs - startedAt })
    }
    for (const peer of this.#parity.takeUntold()) this.#effects.push({ do: 'send-done', peer })
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Whether anything waits that `tick` may have to move on. */
  get isActive(): boolean {
    return this.#pulls.values().some(({ phase, retryAt }) => phase !== 'idle' || retryAt > 0)
  }

  /** Whether frames for this WANT are still of use: it was sent, and the peer is not done with it. */
  expects(peer: PeerId, want: number): boolean {
    return this.#abandoned.get(want) === peer || (this.#pulls.get(peer)?.wants.has(want) ?? false)
  }

  inStepWith(): readonly PeerId[] {
    return this.#parity.inStepWith()
  }

  /** Records that peers claim and we lack. */
  behind(): number {
    return this.#shares.behind()
  }

  #take(event: CatchUpEvent): void {
    switch (event.on) {
      case 'tick':
        this.#tick()
        break
      case 'grown':
        break
      case 'gone':
        this.#gone(event.peer)
        break
      case 'hello':
      case 'have':
      case 'failed': {
        // An answer that comes after the peer has gone is nobody's.
        const pull = this.#pulls.get(event.peer)
        if (pull !== undefined) this.#takeAnswer(pull, event)
        break
      }
      default:
        this.#takeWord(this.#pull(event.peer), event)
    }
  }

  #takeAnswer(pull: Pull, event: CatchUpEvent & { readonly on: 'hello' | 'have' | 'failed' }): void {
    if (event.on === 'hello') this.#onHello(pull, event.theirs)
    else if (event.on === 'have') this.#onHave(pull, event.claims, event.more)
    else this.#fail(pull)
  }

  #takeWord(
    pull: Pull,
    event: CatchUpEvent & { readonly on: 'begin' | 'heard' | 'news' | 'gap' | 'rec' | 'differs' },
  ): void {
    switch (event.on) {
      case 'begin':
        this.#begin(pull)
        break
      case 'heard':
        this.#onHeard(pull, event.theirs, event.answered)
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
    }
  }

  #begin(pull: Pull): void {
    if (pull.phase !== 'idle') {
      pull.again = true
      return
    }
    this.#leaveIdle(pull, 'hello', true)
    this.#parity.noteTold(pull.peer)
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
    this.#parity.learn(pull.peer, theirs)
    this.#compare(pull, theirs, 'control')
  }

  #compare(pull: Pull, theirs: Summaries, group: Group): void {
    if (!this.#parity.isSame(theirs, group)) {
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
    if (this.#shares.offersNews(peer, group)) this.#parity.fallBehind(peer)
    pull.phase = 'fetch'
    pull.progressedAt = this.#now
    this.#pump(pull)
  }

  #onHeard(pull: Pull, theirs: Summaries, answered: boolean): void {
    const { peer } = pull
    if (answered) this.#parity.noteTold(peer)
    if (this.#parity.learn(peer, theirs)) this.#parity.mention(peer)
    else if (pull.phase === 'idle') this.#beginInTime(pull)
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
      if (this.#abandoned.get(rec.want) !== pull.peer) this.#blame(pull, 'unasked')
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
    const theirs = this.#parity.theirs(peer)
    if (pull.group === 'control' && theirs !== undefined) {
      if (pull.received > 0) this.#effects.push({ do: 'retry-parked' })
      this.#compare(pull, theirs, 'data')
    } else this.#finish(pull)
  }

  #finish(pull: Pull): void {
    const { comparing, again, received, peer } = pull
    pull.phase = 'idle'
    pull.endedAt = this.#now
    pull.failures = 0
    if (comparing) this.#effects.push({ do: 'tell-ended', peer, completed: true })
    if (again) this.#begin(pull)
    else if (received > 0 && !this.#pulls.values().some(({ phase }) => phase !== 'idle')) {
      // All is fetched: whoever does not know yet that it is in step with us may learn it now.
      this.#parity.mentionToAllBehind()
    } else if (comparing) this.#parity.mention(peer)
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

  #abandon({ peer, wants }: Pull): void {
    for (const want of wants.keys()) this.#abandoned.set(want, peer)
    for (const oldest of this.#abandoned.keys()) {
      if (this.#abandoned.size <= ABANDONED_MAX) break
      this.#abandoned.delete(oldest)
    }
    wants.clear()
    this.#shares.release(peer)
  }

  #gone(peer: PeerId): void {
    const pull = this.#pulls.get(peer)
    if (pull === undefined) return
    this.#fail(pull)
    this.#shares.release(peer)
    this.#parity.forget(peer)
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
      wants: new Map(),
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
