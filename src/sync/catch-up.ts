import type { PeerId } from '../base/index.ts'
import type { CatchUpEffect, CatchUpEvent, Fault } from './catch-up-events.ts'
import { Comparison, isWhole, type Ours, type Step, type Theirs } from './comparison.ts'
import { GROUPS, type Group, groupOf, type LogRef } from './log-index.ts'
import { Parity } from './parity.ts'
import { failed, leaveIdle, type Pull } from './pull.ts'
import { Pulls } from './pulls.ts'
import { type Heads, Shares } from './shares.ts'
import type { Claim } from './wire.ts'

/** WANTs under way with one peer: the next is on its way before the last is served. */
export const WANTS_IN_FLIGHT = 2
/** A WANT that brings nothing for so long is given to another peer. */
export const WANT_STALL_MS = 30_000
/** The least time between a comparison and another one that the peer's own words cause; longer while they lead to nothing. */
export const HEARD_MIN_MS = 5_000
/** Of two peers whose lanes come up, the one with the higher id leaves it so long to the other to begin. */
export const LATE_BEGIN_MS = 3_000
/** How long it waits for the other to find where a large group differs. */
export const AWAIT_MAX_MS = 10_000
/** Every so often the cursor is not trusted and all is compared. */
export const QUICK_MAX = 16
const DOUBLINGS_MAX = 6

export type Holdings = Heads & Ours

/**
 * Catch-up of one space with all its peers, docs/specs/sync.md: a state machine without clock, disk or network. It compares
 * holdings with each peer, control logs first, shares the missing ranges out among those who claim them, and takes them back
 * from whoever does not deliver.
 */
export class CatchUp {
  readonly #holdings: Holdings
  readonly #shares: Shares
  readonly #parity: Parity
  readonly #pulls = new Pulls()
  #effects: CatchUpEffect[] = []
  #now = 0

  constructor(holdings: Holdings) {
    this.#holdings = holdings
    this.#shares = new Shares(holdings)
    this.#parity = new Parity((group) =>
      holdings.keeping(group) === 'nothing' ? undefined : holdings.index.summary(group),
    )
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
    return this.#pulls.expects(peer, want)
  }

  /** Whether this record was asked for by the WANT; of one that was given up we do not know any more. */
  asksFor(peer: PeerId, want: number, record: LogRef & { readonly seq: number }): boolean {
    return this.#pulls.asksFor(peer, want, record)
  }

  inStepWith(): readonly PeerId[] {
    return this.#parity.inStepWith()
  }

  /** Peers who say that they keep the bodies of a group. */
  holders(group: Group): readonly PeerId[] {
    return [...this.#pulls.peers()].filter((peer) => this.#parity.theirs(peer)?.[group]?.keeps === 'bodies')
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
      case 'members':
        this.#shares.clearBars()
        break
      case 'gone':
        this.#gone(event.peer)
        break
      case 'hello':
      case 'since':
      case 'have':
      case 'range':
      case 'forks':
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

  #takeAnswer(
    pull: Pull,
    event: CatchUpEvent & { readonly on: 'hello' | 'since' | 'have' | 'range' | 'forks' | 'failed' },
  ): void {
    const { comparison } = pull
    if (event.on === 'failed') this.#fail(pull)
    else if (event.on === 'hello') {
      if (pull.phase === 'hello') this.#compare(pull, event.theirs)
    } else if (pull.phase === 'asking' && comparison !== undefined)
      this.#follow(pull, this.#answered(comparison, event))
  }

  #answered(comparison: Comparison, event: CatchUpEvent & { readonly on: 'since' | 'have' | 'range' | 'forks' }): Step {
    switch (event.on) {
      case 'since':
        this.#note(event.peer, event.news?.claims ?? [])
        return comparison.onSince(event.news)
      case 'have':
        this.#note(event.peer, event.claims)
        return comparison.onHave(event)
      case 'range':
        this.#note(event.peer, event.answer.claims)
        return comparison.onRange(event.answer)
      case 'forks':
        return comparison.onForks(event.more, event.after)
    }
  }

  #takeWord(
    pull: Pull,
    event: CatchUpEvent & { readonly on: 'begin' | 'heard' | 'news' | 'gap' | 'rec' | 'differs' },
  ): void {
    switch (event.on) {
      case 'begin':
        this.#onBegin(pull, event.lately === true)
        break
      case 'heard':
        this.#onHeard(pull, event.theirs, event.answered)
        break
      case 'news':
        this.#onNews(pull, event.claims, event.more)
        break
      case 'gap':
        this.#shares.noteGaps(pull.peer, event.ranges)
        this.#fetch(pull)
        break
      case 'rec':
        this.#onRec(pull, event)
        break
      case 'differs':
        if (this.#mayBegin(pull)) this.#begin(pull)
        break
    }
  }

  #onBegin(pull: Pull, lately: boolean): void {
    if (lately && pull.phase === 'idle' && this.#holdings.self > pull.peer) pull.retryAt = this.#now + LATE_BEGIN_MS
    else this.#begin(pull)
  }

  #begin(pull: Pull): void {
    if (pull.phase !== 'idle') {
      pull.again = true
      return
    }
    leaveIdle(pull, { phase: 'hello', isComparing: true, nowMs: this.#now })
    this.#parity.noteTold(pull.peer)
    this.#effects.push({ do: 'ask-hello', peer: pull.peer })
  }

  /** A peer's own words make us begin, but not over and over again. False: later, or when this one has ended. */
  #mayBegin(pull: Pull): boolean {
    if (pull.phase !== 'idle') {
      pull.again = true
      return false
    }
    const delayMs = HEARD_MIN_MS * 2 ** Math.min(pull.fruitless, DOUBLINGS_MAX)
    if (this.#now >= pull.endedAt + delayMs) return true
    pull.retryAt = pull.endedAt + delayMs
    return false
  }

  #compare(pull: Pull, theirs: Theirs): void {
    this.#parity.learn(pull.peer, theirs.holds)
    pull.comparison = new Comparison(pull.peer, this.#holdings, theirs)
    this.#follow(pull, pull.comparison.begin(pull.quick < QUICK_MAX))
  }

  #follow(pull: Pull, step: Step): void {
    const { peer } = pull
    pull.progressedAt = this.#now
    switch (step.do) {
      case 'end':
        this.#finish(pull)
        break
      case 'lie':
        this.#blame(pull, 'contradiction')
        this.#fail(pull)
        break
      case 'await':
        pull.phase = 'await'
        pull.group = step.group
        break
      case 'fetch':
        if (step.ahead !== undefined) this.#effects.push({ do: 'send-news', peer, logs: step.ahead })
        if (this.#shares.offersNews(peer, step.group)) this.#parity.fallBehind(peer)
        pull.phase = 'fetch'
        pull.group = step.group
        this.#pump(pull)
        break
      default:
        pull.phase = 'asking'
        this.#effects.push(step)
    }
  }

  #onHeard(pull: Pull, theirs: Theirs, answered: boolean): void {
    const { peer } = pull
    if (answered) this.#parity.noteTold(peer)
    if (this.#parity.learn(peer, theirs.holds)) {
      this.#parity.mention(peer)
      if (isWhole(theirs)) this.#keepCursor(peer, theirs)
      // What we waited to hear of is what it lacked, and has by now.
      if (pull.phase === 'await') this.#finish(pull)
    } else if (pull.phase === 'idle' && this.#mayBegin(pull)) {
      leaveIdle(pull, { phase: 'hello', isComparing: true, nowMs: this.#now })
      this.#compare(pull, theirs)
    }
  }

  #onNews(pull: Pull, claims: readonly Claim[], more: boolean): void {
    this.#note(pull.peer, claims)
    if (pull.phase === 'await' && !more) this.#follow(pull, { do: 'fetch', group: pull.group, ahead: undefined })
    // Of an author whom we do not know: the control records that admit it come first.
    if (claims.every((claim) => this.#holdings.admits(claim))) this.#fetch(pull)
    else if (pull.phase === 'idle' && this.#mayBegin(pull)) this.#begin(pull)
  }

  /** Keeps claims of what we keep. From a peer that keeps less than we, we take only what it wrote itself. */
  #note(peer: PeerId, claims: readonly Claim[]): void {
    const theirs = this.#parity.theirs(peer)
    const isOfUse = ({ author, log }: Claim): boolean => {
      const group = groupOf(log)
      const [ours, other] = [this.#holdings.keeping(group), theirs?.[group]?.keeps ?? 'bodies']
      return ours !== 'nothing' && (author === peer || other === 'bodies' || other === ours)
    }
    this.#shares.note(peer, claims.filter(isOfUse))
  }

  /** Fetches what is offered, without a comparison if none is under way. */
  #fetch(pull: Pull): void {
    if (pull.phase === 'idle' && this.#shares.offersNews(pull.peer))
      leaveIdle(pull, { phase: 'fetch', isComparing: false, nowMs: this.#now })
    if (pull.phase === 'fetch') this.#pump(pull)
  }

  #onRec(pull: Pull, rec: CatchUpEvent & { readonly on: 'rec' }): void {
    const open = pull.wants.get(rec.want)
    if (open === undefined) {
      if (!this.#pulls.isLate(pull.peer, rec.want)) this.#blame(pull, 'unasked')
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
    const { peer, wants, comparison, group } = pull
    for (const headersOnly of [false, true]) this.#want(pull, headersOnly)
    // What others were asked for may yet fall to this peer.
    if (wants.size > 0 || this.#shares.offersNews(peer, group)) return
    if (comparison === undefined) {
      this.#finish(pull)
      return
    }
    if (group !== 'durable' && group !== 'expiring' && pull.received > 0) this.#effects.push({ do: 'retry-parked' })
    this.#follow(pull, comparison.fetched())
  }

  #want(pull: Pull, headersOnly: boolean): void {
    const { peer, wants } = pull
    const groups = pull.group === undefined ? GROUPS : [pull.group]
    const alike = groups.filter((group) => (this.#holdings.keeping(group) === 'headers') === headersOnly)
    while (wants.size < WANTS_IN_FLIGHT) {
      const ranges = this.#shares.assign(peer, alike)
      if (ranges.length === 0) return
      if (wants.size === 0) pull.progressedAt = this.#now
      const want = this.#pulls.open(pull, ranges)
      this.#effects.push({ do: 'send-want', peer, want, headersOnly, ranges })
    }
  }

  #finish(pull: Pull): void {
    const { again, received, peer, isComparing } = pull
    this.#conclude(pull)
    pull.phase = 'idle'
    pull.comparison = undefined
    pull.endedAt = this.#now
    pull.failures = 0
    if (isComparing) this.#effects.push({ do: 'tell-ended', peer, completed: true })
    if (again) this.#begin(pull)
    else if (received > 0 && !this.#pulls.values().some(({ phase }) => phase !== 'idle')) {
      // All is fetched: whoever does not know yet that it is in step with us may learn it now.
      this.#parity.mentionToAllBehind()
    } else if (isComparing) this.#parity.mention(peer)
  }

  /** What a comparison that has ended well tells of the next one. */
  #conclude({ comparison, peer, received }: Pull): void {
    if (comparison === undefined) return
    const pull = this.#pull(peer)
    const { theirs } = comparison
    const { holds } = theirs
    const isSame = GROUPS.every((group) => this.#parity.isSame(holds, group))
    pull.fruitless = isSame || received > 0 ? 0 : pull.fruitless + 1
    // A difference that the cursor does not explain is looked into next time.
    if (comparison.isQuick) pull.quick = isSame || received > 0 ? pull.quick + 1 : QUICK_MAX
    else pull.quick = 0
    const isAll = isSame || (comparison.isComplete && this.#shares.isClear(peer))
    if (isAll && isWhole(theirs)) this.#keepCursor(peer, theirs)
  }

  #keepCursor(peer: PeerId, { storeId, position }: Theirs): void {
    this.#effects.push({ do: 'keep-cursor', peer, storeId, rid: position })
  }

  #fail(pull: Pull): void {
    if (pull.phase === 'idle') return
    const { peer, isComparing } = pull
    this.#pulls.abandon(pull)
    this.#shares.release(peer)
    failed(pull, this.#now)
    if (isComparing) this.#effects.push({ do: 'tell-ended', peer, completed: false })
    this.#pumpAll()
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
      const { phase, wants, progressedAt, comparison, retryAt } = pull
      if (wants.size > 0 && this.#now - progressedAt >= WANT_STALL_MS) {
        this.#blame(pull, 'silent')
        this.#fail(pull)
      } else if (phase === 'await' && this.#now - progressedAt >= AWAIT_MAX_MS && comparison !== undefined) {
        this.#follow(pull, comparison.walkItself())
      } else if (phase === 'idle' && retryAt > 0 && retryAt <= this.#now) this.#begin(pull)
    }
  }

  #blame({ peer }: Pull, fault: Fault): void {
    this.#effects.push({ do: 'blame', peer, fault })
  }

  #pull(peer: PeerId): Pull {
    return this.#pulls.of(peer, this.#now)
  }
}
