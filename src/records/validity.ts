import { bytesEqual, bytesOfHex, keyOfPeerId, type Logger, type PeerId, reasonOf, type SpaceId } from '../base/index.ts'
import type { Verifier } from '../identity/index.ts'
import { type Candidate, candidateOf, hasItsBody } from './candidate.ts'
import { type ForkClaim, forkClaimOf, forkProofOf, isProven } from './fork-proof.ts'
import type { FoundFork } from './fork-table.ts'
import { classOfLog, logKeyOf } from './header.ts'
import type { Ledger } from './ledger.ts'
import { countsUpTo, judge, type Limit, limitOf, supersedes } from './log-rules.ts'
import type { Log } from './log-table.ts'
import { SIGNATURE_STATE } from './schema.ts'
import type { SealedBodies } from './sealed-body.ts'
import { type Authority, type ForkProof, type Header, LOG_CLASS } from './types.ts'

/** How often control logs may change what counts of control logs in one transaction; the rest waits for the next. */
const ROUNDS_MAX = 256

export interface ValidityInit {
  readonly ledger: Ledger
  readonly authority: Authority
  readonly bodies: SealedBodies
  readonly verifier: Verifier
  /** Calls back after this turn of the event loop. */
  readonly later: (run: () => void) => void
  readonly log: Logger
}

/**
 * What counts of each log, docs/specs/records.md section 6: the records up to where its space or a fork ends it. Only those are in
 * the tables that others read; what a change of the rules takes away is set aside, and comes back when it counts again.
 */
export class Validity {
  readonly #init: ValidityInit
  readonly #ledger: Ledger
  /** Spaces to settle with the next commit, whatever that changes: at the start, those whose control records were just read. */
  #pending: ReadonlySet<SpaceId>
  #isReadingOn = false

  constructor(init: ValidityInit) {
    this.#init = init
    this.#ledger = init.ledger
    this.#pending = new Set(init.ledger.logs.spaces())
  }

  /** As `Ledger.commit`; `work` is followed by what it makes of the logs, so that never anything is seen that does not count. */
  commit<T>(work: () => T, outcomeOf: (value: T) => T = (value) => value): T {
    const restless = new Set<SpaceId>()
    const outcome = this.#ledger.commit(() => {
      const value = work()
      for (const space of this.#pending) this.#ledger.noteControl(space)
      for (const space of [...this.#ledger.controlled]) if (!this.#settle(space)) restless.add(space)
      return outcomeOf(value)
    })
    this.#pending = restless
    if (this.#ledger.rereading.isPending) this.#readOnLater()
    return outcome
  }

  /** What new keys open is read a bit at a time, so that no turn takes long. */
  #readOnLater(): void {
    if (this.#isReadingOn) return
    this.#isReadingOn = true
    this.#init.later(() => {
      this.#isReadingOn = false
      try {
        this.commit(() => undefined)
      } catch (error) {
        this.#init.log.warn({ reason: reasonOf(error) }, 'what new keys open is read with the next commit')
      }
    })
  }

  limitOf(log: Log): Limit {
    const { authority } = this.#init
    const rule = authority.ruleOf(log.space, log.author, log.hex)
    return limitOf(rule, this.#ledger.forks.of(log), this.#ledger.heldIn(log))
  }

  /** Two records at one place, of which we hold the one and the other's signature is good. */
  fork(log: Log, candidate: Candidate): void {
    const { ledger } = this.#init
    const held = ledger.records.frameAt(log, candidate.seq)
    if (held === undefined) return
    const proof = forkProofOf(held.frame, candidate.frame)
    const claim = forkClaimOf(proof)
    if (claim === undefined) return
    this.#addFork(log, { claim, proof, isProven: ledger.isSigned(held) })
    if (!hasItsBody(candidate)) return
    const body = ledger.mayHaveBody(log, candidate.header) ? candidate.frame.body : null
    ledger.voided.add(log, candidate, body, SIGNATURE_STATE.checked)
  }

  /** As `Journal.addForkProof`; changes the store. */
  addProof(space: SpaceId, proof: ForkProof): 'new' | 'known' | 'refused' {
    const claim = forkClaimOf(proof)
    const log = claim === undefined ? undefined : this.#logOfClaim(space, claim)
    if (claim === undefined || log === undefined) return 'refused'
    const { authority, verifier } = this.#init
    const rule = authority.ruleOf(space, log.author, log.hex)
    if (this.#ledger.forks.isKnown(log, claim, rule, this.#ledger.heldIn(log))) return 'known'
    if (!claim.headers.some((header) => this.#mayWrite(log, header)) || !isProven(claim, proof, verifier))
      return 'refused'
    if (log.n === 0) this.#ledger.logs.insert(log)
    this.#addFork(log, { claim, proof: inOrder(proof), isProven: true })
    return 'new'
  }

  #addFork(log: Log, found: FoundFork): void {
    const { logs, forks } = this.#ledger
    const rule = this.#init.authority.ruleOf(log.space, log.author, log.hex)
    forks.add(log, found, rule, this.#ledger.heldIn(log))
    logs.retireOwnLog(log)
    this.#ledger.noteFork(log, found.claim.seq)
    if (this.#enforce(log) && log.class === LOG_CLASS.control) this.#ledger.reload(log.space)
  }

  /** The log that a proof speaks of, unless the proof can have no meaning. */
  #logOfClaim(space: SpaceId, { headers, seq }: ForkClaim): Log | undefined {
    const { logs, records } = this.#ledger
    const [{ space: spaceBytes, device, log: name }] = headers
    const spaceN = logs.spaceNumber(space)
    if (spaceN === undefined || !bytesEqual(spaceBytes, bytesOfHex(space))) return undefined
    const log = logs.find(space, spaceN, logKeyOf(device, name), device, name)
    // The place of the genesis is not open to forks.
    const isGenesis = seq === 1 && bytesEqual(records.idAt(log, 1) ?? device, spaceBytes)
    return isGenesis ? undefined : log
  }

  #mayWrite({ space, author, hex }: Pick<Log, 'space' | 'author' | 'hex'>, header: Header): boolean {
    const { log, seq, kind } = header
    return this.#init.authority.mayWrite({ space, author, class: classOfLog(log), log: hex, seq, kind }).allowed
  }

  /**
   * Control logs decide about control logs: until nothing changes any more, then all others, then what is erased. Logs of lower
   * levels settle first, so that there is an end to it; false if it was not reached.
   */
  #settle(space: SpaceId): boolean {
    const { authority } = this.#init
    let authors: ReadonlySet<PeerId> | undefined = authority.takeChangedRules(space)
    let rounds = 0
    while (this.#applyAll(space, 'control', authors) && rounds++ < ROUNDS_MAX) {
      this.#ledger.reload(space)
      authority.takeChangedRules(space)
      // Whoever was admitted by what is gone may not write any more, whatever rules it has: all are looked at.
      authors = undefined
    }
    this.#applyAll(space, 'data', authors)
    for (const place of authority.takeErased(space)) this.#ledger.settleErasure(space, place)
    if (rounds <= ROUNDS_MAX) return true
    this.#init.log.error({ space }, 'the control logs of a space do not come to rest')
    return false
  }

  /** Brings the logs of these authors in step, or of all. Says whether any log changed. */
  #applyAll(space: SpaceId, group: 'control' | 'data', authors: ReadonlySet<PeerId> | undefined): boolean {
    const { logs } = this.#ledger
    const spaceN = logs.spaceNumber(space)
    if (spaceN === undefined) return false
    const affected =
      authors === undefined
        ? logs.ofSpace(spaceN, group)
        : [...authors].flatMap((author) => logs.ofSpace(spaceN, group, keyOfPeerId(author)))
    return affected.reduce((moved, log) => this.#enforce(log) || moved, false)
  }

  /** Brings one log in step with the rules. Says whether it changed. */
  #enforce(log: Log): boolean {
    const ledger = this.#ledger
    const last = this.#writtenByRight(log, countsUpTo(log.state, this.limitOf(log), ledger.heldIn(log)))
    const isShortened = last < log.state.seq
    if (isShortened) ledger.truncate(log, last)
    if (log.unpruned) this.#prune(log)
    return this.restore(log) || isShortened
  }

  /** Prune points that a choice made records like others take effect when it is withdrawn. */
  #prune(log: Log): void {
    const { records, logs } = this.#ledger
    const { chosen } = this.limitOf(log)
    const { base, seq } = log.state
    const prunePoint = records.queries.lastPrunePoint(log, base, Math.min(seq, chosen))
    if (prunePoint !== undefined) this.#ledger.dropBefore(log, prunePoint)
    if (chosen > seq) logs.setUnpruned(log, false)
  }

  /** The last number up to which the author of a log may have written what is held of it. */
  #writtenByRight(log: Log, last: number): number {
    const { authority } = this.#init
    const { space, author, class: logClass, hex, state } = log
    if (last < state.base) return last
    const mayWrite = (seq: number, kind: number): boolean =>
      authority.mayWrite({ space, author, class: logClass, log: hex, seq, kind }).allowed
    for (const { seq, kind } of this.#ledger.records.queries.kinds(log, state.base)) {
      if (seq > last) break
      if (!mayWrite(seq, kind)) return seq - 1
      // Of other classes one record tells about all.
      if (logClass !== LOG_CLASS.control) break
    }
    return last
  }

  /** Takes back what was set aside and continues the log now. Says whether there was any. */
  restore(log: Log): boolean {
    const { voided } = this.#ledger
    const { bodies } = this.#init
    let isRestored = false
    if (!voided.has(log)) return false
    for (const { n, frame, checked } of voided.of(log)) {
      const candidate = candidateOf(frame, () => false)
      if ('refuse' in candidate) continue
      const limit = this.limitOf(log)
      const verdict = judge(log.state, candidate, limit, this.#ledger.heldIn(log))
      if (verdict === 'duplicate') voided.remove(log, n)
      if (verdict !== 'accept' && verdict !== 'start') continue
      if (!this.#mayWrite(log, candidate.header) || !bodies.isFit(log.space, candidate.header)) continue
      voided.remove(log, n)
      this.#ledger.store(log, candidate, {
        own: false,
        checked,
        supersedes: supersedes(candidate, limit),
        silent: true,
      })
      isRestored = true
    }
    return isRestored
  }
}

function inOrder({ headerA, signatureA, headerB, signatureB }: ForkProof): ForkProof {
  return forkProofOf({ header: headerA, signature: signatureA }, { header: headerB, signature: signatureB })
}
