import { compareText, type PeerId, type RecordId, type SpaceId, sha256, utf8 } from '../base/index.ts'
import type { Verifier } from '../identity/index.ts'
import { type LogClass, type LogRule, NO_RULE, type RecordPlace, type StoredRecord } from '../records/index.ts'
import { AFTER_MAX, type ControlRecord, type Cut, readControl } from './control-records.ts'
import { isDeviceProof } from './device-proof.ts'
import { certified } from './invite-key.ts'
import { evaluateMembership, type Membership, type Standing } from './membership.ts'
import { RuleNews } from './rule-news.ts'
import { placeKey } from './rules.ts'
import type { Member, SpaceInfo } from './types.ts'

/** What `Authority.digest` gives, in bytes. */
export const DIGEST_BYTES = 8
const DIGEST_TAG = utf8('plexus/control/1')

/**
 * The typed form of a stored control record. `undefined` for what counts for nothing: unknown kinds, bodies that do not fit,
 * and admissions and rotations whose certificate or proof does not hold.
 */
export function controlRecordOf(record: StoredRecord, verifier: Verifier): ControlRecord | undefined {
  const body = readControl(record.kind, record.body)
  if (body === undefined) return undefined
  if (body.type === 'genesis' || body.type === 'admit' || body.type === 'rotate') {
    const device = body.type === 'genesis' ? record.author : body.device
    const proven = certified(body.certificate, device, { verifier })
    if (proven?.principal !== body.principal || proven.sealing !== body.sealing) return undefined
    const proof = body.type === 'genesis' ? undefined : body.proof
    if (proof !== undefined && !isDeviceProof(device, record.author, proof, verifier)) return undefined
  }
  const { id, author, log, seq, hlc } = record
  return { id, author, log, seq, hlc, body } as ControlRecord
}

interface ControlHead {
  readonly author: PeerId
  readonly log: string
  readonly seq: number
  readonly id: RecordId
}

/** The control records of one space and what follows from them. */
export class SpaceState {
  readonly id: SpaceId
  readonly genesis: ControlRecord<'genesis'>
  /** All but the genesis that may count. */
  readonly #records: ControlRecord[] = []
  readonly #heads = new Map<string, ControlHead>()
  #evaluated: Membership | undefined
  #fresh = false
  readonly #news: RuleNews
  #digest: Uint8Array | undefined

  /** `before` is the state that this one takes the place of. */
  constructor(record: StoredRecord, genesis: ControlRecord<'genesis'>, before?: SpaceState) {
    this.id = record.space
    this.genesis = genesis
    this.#news = new RuleNews(before === undefined ? undefined : before.#news)
    this.add(record, genesis)
  }

  /** Takes note of a stored control record; `control` is undefined for one that counts for nothing. */
  add(record: StoredRecord, control: ControlRecord | undefined): void {
    const { author, log, seq, id } = record
    const key = `${author}/${log}`
    if (seq > (this.#heads.get(key)?.seq ?? 0)) this.#heads.set(key, { author, log, seq, id })
    this.#digest = undefined
    if (control === undefined || control.body.type === 'genesis') return
    this.#records.push(control)
    this.#fresh = false
  }

  get isEncrypted(): boolean {
    return this.genesis.body.encrypted === true
  }

  get membership(): Membership {
    if (this.#evaluated === undefined || !this.#fresh) {
      this.#evaluated = evaluateMembership(this.genesis, this.#records)
      this.#fresh = true
    }
    return this.#evaluated
  }

  /**
   * Whether a log of this class of this device belongs to the space. A yes of the last evaluation stands although control
   * records came since: a flood of admissions is then not evaluated once for each.
   */
  mayHold(peer: PeerId, logClass: LogClass): boolean {
    return (this.#evaluated?.rules.admits(peer, logClass) ?? false) || this.membership.rules.admits(peer, logClass)
  }

  /** Whether the device is known to be or to have been an admin, by the last evaluation. */
  wasAdmin(peer: PeerId): boolean {
    return this.#evaluated?.rules.wasAdmin(peer) ?? peer === this.genesis.author
  }

  /** As with `mayHold`, a log that had no end at the last evaluation has none until the rules are taken. */
  ruleOf(peer: PeerId, log: string): LogRule {
    const last = this.#evaluated?.rules.ruleOf(peer, log)
    return last === NO_RULE || (last !== undefined && this.#fresh) ? last : this.membership.rules.ruleOf(peer, log)
  }

  takeChangedRules(): ReadonlySet<PeerId> {
    return this.#news.takeRules(this.membership.rules.marks)
  }

  isErased(peer: PeerId, log: string, seq: number): boolean {
    const { rules } = this.#evaluated ?? this.membership
    if (!rules.isErased(peer, log, seq)) return false
    this.#news.noteErased(placeKey(peer, log, seq))
    return true
  }

  takeErased(): readonly RecordPlace[] {
    return this.#news.takeErased(this.membership.rules.erased)
  }

  /** Stands for the set of control records that is held: a hash over the heads of the control logs. */
  get digest(): Uint8Array {
    if (this.#digest === undefined) {
      const lines = [...this.#heads].map(([key, { id }]) => `${key}/${id}\n`).toSorted()
      this.#digest = sha256(DIGEST_TAG, utf8(lines.join(''))).subarray(0, DIGEST_BYTES)
    }
    return this.#digest
  }

  /** The ends of the control logs of a device. */
  controlCuts(peer: PeerId): readonly Cut[] {
    const heads = [...this.#heads.values()].filter(({ author }) => author === peer)
    return heads.map(({ log, seq, id }) => [log, seq, id] as const)
  }

  /** Whether the device is or was a member. */
  isKnown(peer: PeerId): boolean {
    const { members, former } = this.membership
    return members.has(peer) || former.has(peer)
  }

  /** Whether an admission of the device by `by` would hold against all that made it a former member, if anything did. */
  mayReadmit(by: PeerId, device: PeerId): boolean {
    const { members, former } = this.membership
    const was = former.get(device)
    if (was === undefined) return true
    const level = members.get(by)?.level ?? Number.POSITIVE_INFINITY
    return level <= was.removerLevel && level < was.level && was.revocations.length <= AFTER_MAX
  }

  memberOf(peer: PeerId): Member | undefined {
    const standing = this.membership.members.get(peer)
    return standing === undefined ? undefined : memberOf(standing)
  }

  info(self: PeerId): SpaceInfo {
    const members = [...this.membership.members.values()].toSorted(bySeniority).map(memberOf)
    const { name, personal, history, recovery } = this.genesis.body
    const encrypted = this.isEncrypted
    const own = members.find(({ peer }) => peer === self)
    const policy = { personal, encrypted, history, recoverable: recovery !== undefined }
    return { id: this.id, name, ...policy, founder: this.genesis.author, self: own, members }
  }
}

function memberOf({ peer, principal, role, level, name, admittedBy, since }: Standing): Member {
  return { peer, principal, role, level, name, admittedBy, since }
}

function bySeniority(a: Standing, b: Standing): number {
  return a.level - b.level || a.since - b.since || compareText(a.peer, b.peer)
}
