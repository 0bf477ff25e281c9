import {
  bytesEqual,
  bytesOfHex,
  type HybridClock,
  hexOf,
  type PeerId,
  peerIdOfKey,
  type SpaceId,
} from '../base/index.ts'
import type { Verifier } from '../identity/index.ts'
import { type Candidate, candidateOf, hasItsBody, isGenesisOf, isOfSpace } from './candidate.ts'
import { isSignedBy } from './frame.ts'
import { classOfLog } from './header.ts'
import type { IngestReport } from './journal-types.ts'
import type { Ledger } from './ledger.ts'
import { judge, type Limit, NO_RECORD, stretchEnd, supersedes, type Verdict } from './log-rules.ts'
import type { Log } from './log-table.ts'
import type { Mending } from './mending.ts'
import type { ParkedLog } from './parking.ts'
import type { Place } from './record-table.ts'
import { type Outcome, Report } from './report.ts'
import { SIGNATURE_STATE } from './schema.ts'
import type { SealedBodies } from './sealed-body.ts'
import { type Authority, type Frame, LOG_CLASS, type LogClass } from './types.ts'
import type { Validity } from './validity.ts'

export interface IngestInit {
  readonly ledger: Ledger
  readonly validity: Validity
  readonly mending: Mending
  readonly verifier: Verifier
  readonly authority: Authority
  readonly bodies: SealedBodies
  readonly hybridClock: HybridClock
  readonly self: PeerId
  /** The frames come out of a damaged store of our own. */
  readonly salvaging: boolean
}

const NOT_ALLOWED: Outcome = { refuse: 'not-allowed' }
const BAD_BODY: Outcome = { refuse: 'bad-body' }
const BAD_SIGNATURE: Outcome = { refuse: 'bad-signature' }
const WRONG_SPACE: Outcome = { refuse: 'wrong-space' }
const OVER_QUOTA: Outcome = { refuse: 'over-quota' }
/** Places that are kept for lost records before one that was found: more are not believed. */
const BRIDGE_MAX_RECORDS = 100_000
const FORK: Outcome = { refuse: 'fork' }

/**
 * Frames of one space on their way into the store, docs/specs/records.md section 7. One instance serves one call; `frames` and
 * `parked` change the store and run inside `Validity.commit`.
 */
export class Ingest {
  readonly #init: IngestInit
  readonly #ledger: Ledger
  readonly #space: SpaceId
  readonly #spaceBytes: Uint8Array
  readonly #report = new Report()
  /** Logs that changed, and logs that miss records before some we have seen. */
  readonly #grown = new Set<Log>()
  readonly #gapped = new Set<Log>()
  /** The frame that speaks for its stretch up to it: all earlier ones of the stretch are genuine. */
  #covered = -1

  constructor(init: IngestInit, space: SpaceId) {
    this.#init = init
    this.#ledger = init.ledger
    this.#space = space
    this.#spaceBytes = bytesOfHex(space)
  }

  /** What is malformed or of another space is counted and left out. */
  decode(frames: readonly Frame[]): readonly Candidate[] {
    const candidates: Candidate[] = []
    for (const frame of frames) {
      const candidate = candidateOf(frame, this.#isAhead)
      if ('refuse' in candidate) this.#report.count(candidate)
      else if (isOfSpace(this.#spaceBytes, candidate)) candidates.push(candidate)
      else this.#report.count(WRONG_SPACE)
    }
    return candidates
  }

  /** Judges new frames, and then what waited for them. */
  frames(candidates: readonly Candidate[], mode: 'single' | 'run'): void {
    for (const [index, candidate] of candidates.entries()) {
      // What one member took on the word of a later record another may hold another one for, and neither could prove it.
      const isAlone = mode === 'single' || classOfLog(candidate.header.log) === LOG_CLASS.control
      const isGenuine = isAlone ? () => this.#isSigned(candidate) : () => this.#isCovered(candidates, index)
      const outcome = this.#judge(candidate, isGenuine)
      this.#report.count(outcome === 'parked' && !this.#setAside(candidate) ? 'duplicate' : outcome)
    }
    this.#restore()
    if (this.#ledger.parking.size(this.#space) === 0) return
    for (const log of this.#grown) this.#judgeParked(log)
    this.#restore()
  }

  /** Judges everything that is parked again. */
  parked(): void {
    for (const log of this.#ledger.parking.logs(this.#space)) this.#judgeParked(log)
    this.#restore()
    this.#report.setParked(this.#ledger.parking.size(this.#space))
  }

  finish(): IngestReport {
    for (const log of this.#gapped) {
      const next = log.state.seq + 1
      const lowest = this.#ledger.parking.lowest(this.#space, log)
      if (lowest !== undefined && lowest > next) this.#report.gap(log, next, lowest - 1)
    }
    return this.#report.finish()
  }

  /** What was set aside may continue what came. */
  #restore(): void {
    for (const log of this.#grown) this.#init.validity.restore(log)
  }

  readonly #isAhead = (hlc: number): boolean => this.#init.hybridClock.isTooFarAhead(hlc)

  #judgeParked(log: ParkedLog): void {
    for (const { n, frame } of this.#ledger.parking.of(this.#space, log)) {
      const candidate = candidateOf(frame, this.#isAhead)
      if ('refuse' in candidate) continue
      // Checked before it was parked.
      candidate.signature = true
      const outcome = this.#judge(candidate, () => true)
      if (outcome === 'parked') continue
      this.#ledger.parking.remove(this.#space, candidate.key, n)
      if (outcome !== 'duplicate') this.#report.count(outcome)
    }
  }

  /** False if it waits already. */
  #setAside(candidate: Candidate): boolean {
    const { header, frame } = candidate
    const { authority } = this.#init
    const isErased = authority.isErased(this.#space, peerIdOfKey(header.device), hexOf(header.log), header.seq)
    const mayDrop = isErased && classOfLog(header.log) !== LOG_CLASS.control
    return this.#ledger.parking.add(this.#space, candidate, mayDrop ? null : frame.body)
  }

  /** Costly questions come last: the body's hash, then the signature. */
  #judge(candidate: Candidate, isGenuine: () => boolean): Outcome {
    const { logs } = this.#ledger
    const { key, header } = candidate
    const spaceN = logs.spaceNumber(this.#space)
    if (spaceN === undefined) return this.#judgeWithoutSpace(candidate)
    const log = logs.find(this.#space, spaceN, key, header.device, header.log)
    const limit = this.#init.validity.limitOf(log)
    const verdict = judge(log.state, candidate, limit, this.#ledger.heldIn(log))
    if (verdict === 'duplicate') return this.#duplicate(log, candidate)
    if (verdict === 'fork') return this.#fork(log, candidate)
    if (typeof verdict === 'object') return this.#refuse(log, candidate, verdict)
    if (!this.#init.bodies.isFit(this.#space, header)) return NOT_ALLOWED
    const standing = this.#standing(candidate, log.author, log.class, log.hex)
    if (standing === 'refused') return NOT_ALLOWED
    if (verdict === 'gap' && this.#mayBridge(candidate, log)) {
      this.#init.mending.bridge(log, candidate)
      return this.#accept(log, candidate, limit)
    }
    const isNext = verdict === 'accept' || verdict === 'start'
    if (!isNext || standing === 'unknown') return this.#park(candidate, log, verdict)
    if (!hasItsBody(candidate)) return BAD_BODY
    // The first of a log that begins in the middle stands for itself.
    if (!(verdict === 'start' ? this.#isSigned(candidate) : isGenuine())) return BAD_SIGNATURE
    if (!this.#hasRoom(log, candidate, limit)) return OVER_QUOTA
    return this.#accept(log, candidate, limit)
  }

  /** What supersedes the log before it makes more room than it takes. */
  #hasRoom(log: Log, candidate: Candidate, limit: Limit): boolean {
    if (supersedes(candidate, limit)) return true
    return this.#ledger.makeRoom(log, bytesOf(candidate), log.author === this.#init.self)
  }

  /** Everything waits for the genesis, which makes us hold the space. */
  #judgeWithoutSpace(candidate: Candidate): Outcome {
    const { logs } = this.#ledger
    const { key, header } = candidate
    const author = peerIdOfKey(header.device)
    const standing = this.#standing(candidate, author, classOfLog(header.log), hexOf(header.log))
    if (standing === 'refused') return NOT_ALLOWED
    const isReady = standing === 'allowed' && !candidate.ahead && isGenesisOf(this.#spaceBytes, candidate)
    if (!isReady) return this.#park(candidate)
    if (!hasItsBody(candidate)) return BAD_BODY
    if (!this.#isSigned(candidate)) return BAD_SIGNATURE
    const spaceN = logs.addSpace(this.#space)
    const log = logs.find(this.#space, spaceN, key, header.device, header.log)
    return this.#accept(log, candidate, this.#init.validity.limitOf(log))
  }

  #standing(candidate: Candidate, author: PeerId, logClass: LogClass, log: string): 'allowed' | 'unknown' | 'refused' {
    const { seq, header } = candidate
    const write = { space: this.#space, author, class: logClass, log, seq, kind: header.kind }
    const verdict = this.#init.authority.mayWrite(write)
    return verdict.allowed ? 'allowed' : verdict.unknown ? 'unknown' : 'refused'
  }

  #accept(log: Log, candidate: Candidate, limit: Limit): Outcome {
    const { signature } = candidate
    const { chained, checked, bad } = SIGNATURE_STATE
    const state = signature === undefined ? chained : signature ? checked : bad
    this.#ledger.store(log, candidate, { own: false, checked: state, supersedes: supersedes(candidate, limit) })
    this.#init.hybridClock.observe(candidate.header.hlc)
    this.#grown.add(log)
    this.#retireIfOwn(log)
    return 'stored'
  }

  /** To be set aside, if it is genuine. */
  #park(candidate: Candidate, log?: Log, verdict?: Verdict): Outcome {
    if (!hasItsBody(candidate)) return BAD_BODY
    if (!this.#isSigned(candidate)) return BAD_SIGNATURE
    if (log !== undefined && !this.#ledger.quotas.admits(log, bytesOf(candidate), log.author === this.#init.self))
      return OVER_QUOTA
    if (log !== undefined && verdict === 'gap') this.#gapped.add(log)
    if (log !== undefined) this.#retireIfOwn(log)
    return 'parked'
  }

  /** Out of our own damaged store: what is missing before a genuine record is lost, and not on its way. */
  #mayBridge(candidate: Candidate, log: Log): boolean {
    const missing = candidate.seq - log.state.seq - 1
    if (!this.#init.salvaging || log.class === LOG_CLASS.control || missing > BRIDGE_MAX_RECORDS) return false
    const isAllowed = this.#standing(candidate, log.author, log.class, log.hex) === 'allowed'
    return isAllowed && hasItsBody(candidate) && this.#isSigned(candidate)
  }

  /** A copy may bring what ours lacks: its body, or a good signature. */
  #duplicate(log: Log, candidate: Candidate): Outcome {
    const { records } = this.#ledger
    const place = records.place(log, candidate.seq)
    if (place === undefined) return 'duplicate'
    if (place.checked === SIGNATURE_STATE.damaged) return this.#heal(log, place, candidate)
    if (!place.hasBody && hasItsBody(candidate)) this.#ledger.restoreBody(log, place, candidate)
    if (place.checked === SIGNATURE_STATE.bad && this.#isSigned(candidate)) {
      records.replaceSignature(place.rid, candidate.frame.signature)
    }
    return 'duplicate'
  }

  /** Takes a record again whose row was damaged, if it is the one that its neighbours name: its author might offer another. */
  #heal(log: Log, place: Place, candidate: Candidate): Outcome {
    const { records } = this.#ledger
    const { seq, id, prev } = candidate
    const chained = this.#init.mending.idByChain(log, seq)
    const before = seq === 1 ? NO_RECORD : records.idAt(log, seq - 1)
    const fits =
      chained === undefined
        ? bytesEqual(place.id, id) || (before !== undefined && bytesEqual(before, prev))
        : bytesEqual(chained, id)
    if (!fits) return 'duplicate'
    if (!hasItsBody(candidate)) return BAD_BODY
    if (!this.#isSigned(candidate)) return BAD_SIGNATURE
    this.#init.mending.heal(log, place, candidate)
    return 'duplicate'
  }

  #fork(log: Log, candidate: Candidate): Outcome {
    const { records } = this.#ledger
    const { seq, prev } = candidate
    const held = records.idAt(log, seq)
    // The id of the space says which record comes first in the log of its genesis.
    if (seq === 1 && held !== undefined && bytesEqual(held, this.#spaceBytes)) return WRONG_SPACE
    if (!this.#isSigned(candidate)) return BAD_SIGNATURE
    const before = seq === 1 ? NO_RECORD : records.idAt(log, seq - 1)
    const place = records.place(log, seq)
    // Ours is not what was stored: no proof of anything.
    if (place !== undefined && records.faultAt(log, seq) === 'header') return this.#heal(log, place, candidate)
    this.#init.validity.fork(log, candidate)
    // What waited for this log waits in vain now.
    this.#grown.add(log)
    // Its predecessor is another one too: asking for that leads down to where the branches part.
    if (before !== undefined && !bytesEqual(prev, before)) this.#report.gap(log, seq - 1, seq - 1)
    return FORK
  }

  #refuse(log: Log, candidate: Candidate, outcome: Outcome & object): Outcome {
    if (outcome.refuse !== 'broken-chain') return outcome
    if (!this.#isSigned(candidate)) return BAD_SIGNATURE
    // The author wrote another record where our head is, or before it: asking for that brings the proof.
    const before = Math.min(candidate.seq - 1, log.state.seq)
    if (before >= log.state.base) this.#report.gap(log, before, before)
    return outcome
  }

  /** Our own signature on what we do not hold: this store is an old copy. The log must not be written here again. */
  #retireIfOwn(log: Log): void {
    if (log.author === this.#init.self && log.n !== 0) this.#ledger.logs.retireOwnLog(log)
  }

  #isCovered(candidates: readonly Candidate[], index: number): boolean {
    if (index <= this.#covered) return true
    for (let at = stretchEnd(candidates, index); at >= index; at--) {
      const candidate = candidates[at]
      if (candidate !== undefined && this.#isSigned(candidate)) {
        this.#covered = at
        return true
      }
    }
    return false
  }

  #isSigned(candidate: Candidate): boolean {
    const { header, frame } = candidate
    candidate.signature ??= isSignedBy(this.#init.verifier, header.device, frame.header, frame.signature)
    return candidate.signature
  }
}

function bytesOf({ frame: { header, signature, body } }: Candidate): number {
  return header.length + signature.length + (body?.length ?? 0)
}
