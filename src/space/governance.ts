import {
  bytesOfHex,
  type Clock,
  hexOf,
  type PeerId,
  type Random,
  type RecordId,
  recordIdOf,
  type SpaceId,
} from '../base/index.ts'
import { decodeCertificate, type Identity, isName, signer, type Verifier } from '../identity/index.ts'
import {
  type Draft,
  type Fork,
  type Journal,
  LOG_CLASS,
  type LogHead,
  recordIdBytes,
  type VoidedRun,
} from '../records/index.ts'
import { type ControlFields, type ControlType, CUTS_MAX, type Cut, LEVEL_MAX, writeControl } from './control-records.ts'
import { deviceProof, isDeviceProof } from './device-proof.ts'
import { SpaceError } from './errors.ts'
import { certified } from './invite-key.ts'
import type { KeyChanges } from './key-changes.ts'
import { isControlLog } from './log-windows.ts'
import type { Standing } from './membership.ts'
import { assertRecoveryKey, recoveryLog } from './recovery.ts'
import { isAtLeast, rankOf } from './roles.ts'
import type { SpaceState } from './space-state.ts'
import {
  type AcceptOptions,
  type BranchChoice,
  CONTROL_KIND,
  type DeviceAdmission,
  type ForkInfo,
  type Member,
  type Removal,
} from './types.ts'

export interface GovernorComponents {
  readonly identity: Identity
  readonly verifier: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly keys: KeyChanges
  journal(): Journal
}

/** Writes what decides who belongs to a space and what counts, after checking that it will count for everybody. */
export class Governor {
  readonly #components: GovernorComponents
  readonly #self: PeerId

  constructor(components: GovernorComponents) {
    this.#components = components
    this.#self = components.identity.device.peer
  }

  async revoke(state: SpaceState, peer: PeerId): Promise<Removal> {
    const own = this.#own(state)
    const target = state.membership.members.get(peer)
    if (target === undefined) throw invalid('that peer is not a member of the space')
    if (peer === this.#self) throw invalid('to remove this device itself, leave the space')
    const isOverIt = own.level < target.level
    if (!isOverIt || !(isAtLeast(own.role, 'admin') || own.principal === target.principal)) throw notSenior()
    const cuts = this.#cuts(state, peer)
    const epoch = this.#components.keys.onRemoval(state, peer)
    await this.#write([draft(state.id, 'revoke', { device: peer, cuts }), ...epoch])
    return { cuts, epoch: epoch.length > 0 }
  }

  async revokeInvite(state: SpaceState, inviteId: string): Promise<void> {
    const own = this.#own(state)
    const invite = state.membership.invites.find(({ id, revoked }) => id === inviteId && !revoked)
    if (invite === undefined) throw invalid('the space has no such invite that is open')
    const issuer = state.membership.members.get(invite.by) ?? state.membership.former.get(invite.by)
    const isOverIt = isAtLeast(own.role, 'admin') && own.level < (issuer?.level ?? 0)
    if (invite.by !== this.#self && !isOverIt) throw notSenior()
    const cuts = state.controlCuts(invite.by).filter(([log]) => log === invite.log)
    await this.#write([draft(state.id, 'revoke', { invite: inviteId, cuts })])
  }

  async leave(state: SpaceState, options: { readonly force?: boolean } = {}): Promise<void> {
    const own = this.#own(state)
    const { members } = state.membership
    const admins = [...members.values()].filter(({ role }) => isAtLeast(role, 'admin'))
    const leavesNoAdmin = isAtLeast(own.role, 'admin') && admins.length === 1 && members.size > 1
    if (leavesNoAdmin && options.force !== true) {
      throw new SpaceError('ERR_SPACE_LAST_ADMIN', 'this is the last admin of the space, and others are still in it', {
        fix: 'Make another member admin first.',
      })
    }
    await this.#quiet()
    const cuts = this.#cuts(state, this.#self)
    const epoch = this.#components.keys.onRemoval(state, this.#self)
    // What comes after the removal of its author counts for nobody.
    await this.#write([...epoch, draft(state.id, 'revoke', { device: this.#self, cuts })])
  }

  async accept(state: SpaceState, options: AcceptOptions): Promise<void> {
    const { device, log } = options
    this.#assertAdminOver(state, device)
    const end = state.ruleOf(device, log).end
    if (end === undefined) throw invalid('all of that log counts already')
    const from = options.from ?? end.seq + 1
    const runs = this.#voided(state, device, log).filter((run) => run.from === from)
    const [run, other] = options.first === undefined ? runs : runs.filter(({ first }) => first === options.first)
    if (run === undefined) throw notHeld('no records of that log are held that would follow on its end')
    if (other !== undefined) throw invalid('that log has two branches there; say which by its first record')
    if (options.to !== undefined && options.to !== run.to) throw notHeld(`what is held of it ends at ${run.to}`)
    const { to, last: id, first } = run
    const branch = options.first === undefined ? {} : { first }
    await this.#write([draft(state.id, 'accept', { device, log, from, to, id, ...branch })])
  }

  async erase(state: SpaceState, id: RecordId): Promise<void> {
    const record = this.#journal.record(id)
    if (record === undefined || record.space !== state.id) throw notHeld('this space has no such record here')
    const { author: device, log, seq } = record
    if (record.class === LOG_CLASS.control) throw invalid('a control record cannot be erased')
    if (device === this.#self) this.#own(state)
    else this.#assertAdminOver(state, device)
    await this.#write([draft(state.id, 'erase', { device, log, seq })])
  }

  forks(state: SpaceState): readonly ForkInfo[] {
    return this.#journal.forks(state.id).map((fork) => {
      const { author: device, log, seq } = fork
      const runs = this.#voided(state, device, log).filter(({ from }) => from === seq)
      const chosen = state.ruleOf(device, log).branches.find((branch) => branch.seq === seq)?.id
      const branches = idsOf(fork).map((id) => ({ id, to: this.#endOfBranch(state, fork, id, runs)?.to }))
      return { device, log, seq, branches, chosen }
    })
  }

  async chooseBranch(state: SpaceState, choice: BranchChoice): Promise<void> {
    const { device, log, seq, id } = choice
    const fork = this.#journal
      .forks(state.id)
      .find((one) => one.author === device && one.log === log && one.seq === seq)
    if (fork === undefined) throw invalid('that log has no fork there')
    const isOwnData = device === this.#self && !isControlLog(log)
    if (isOwnData) this.#own(state)
    else this.#assertAdminOver(state, device)
    const runs = this.#voided(state, device, log).filter(({ from }) => from === seq)
    const end = this.#endOfBranch(state, fork, id, runs)
    if (end === undefined) throw notHeld('that branch is not held here')
    await this.#write([
      draft(state.id, 'fork', fork.proof),
      draft(state.id, 'accept', { device, log, from: seq, to: end.to, id: end.last, first: id }),
    ])
  }

  async admitDevice(state: SpaceState, admission: DeviceAdmission): Promise<Member> {
    const { certificate, device, name, role, proof } = admission
    const own = this.#own(state)
    const { verifier, clock } = this.#components
    const subject = certified(certificate, device, { verifier, nowMs: clock.now() })
    if (subject?.principal !== own.principal) throw invalid('the certificate is not one of our own principal')
    if (!isDeviceProof(device, this.#self, proof, verifier)) throw invalid('the device has not agreed to it')
    if (!isName(name)) throw invalid('the name of the device is not fit to be shown')
    if (role === 'founder' || rankOf(role) > rankOf(own.role)) throw invalid(`the role is higher than ${own.role}`)
    if (!state.membership.members.has(device)) {
      if (!state.mayReadmit(this.#self, device)) throw notSenior()
      const former = state.membership.former.get(device)
      const level = Math.min(LEVEL_MAX, Math.max(own.level + 1, former?.level ?? 0))
      const after = former === undefined ? {} : { after: former.revocations }
      const fields = { ...subject, device, role, level, name, certificate, proof, ...after }
      const grants = this.#components.keys.onAdmission(state, { device, role, ...subject })
      await this.#write([draft(state.id, 'admit', fields), ...grants])
    }
    const member = state.memberOf(device)
    if (member === undefined) throw notSenior()
    return member
  }

  async rotateTo(state: SpaceState, next: Identity): Promise<void> {
    const own = this.#own(state)
    const { certificate } = next
    const { peer: device } = next.device
    const principal = hexOf(next.principal)
    if (principal !== own.principal) throw invalid('a device can only hand over to another one of its principal')
    if (state.isKnown(device)) throw invalid('that device is or was a member itself')
    await this.#quiet()
    const cuts = this.#cuts(state, this.#self)
    const proof = deviceProof(next.device, this.#self)
    const sealing = hexOf(next.sealingKey)
    const { name } = own
    const grants = this.#components.keys.onAdmission(state, { device, role: own.role, principal, sealing })
    const rotation = draft(state.id, 'rotate', { device, principal, name, certificate, sealing, cuts, proof })
    await this.#write([...grants, rotation])
  }

  async recover(state: SpaceState, seed: Uint8Array): Promise<Member> {
    const { identity, clock, random } = this.#components
    const key = signer(seed)
    assertRecoveryKey(key, state.genesis.body.recovery)
    const { members, former } = state.membership
    if (members.get(this.#self)?.level !== 0) {
      const founders = [...members.values()].filter(({ level }) => level === 0)
      const revocations = founders.map(({ peer }) => ({ device: peer, cuts: this.#cuts(state, peer) }))
      const certificate = identity.certificate
      const revoked = former.get(this.#self)?.revocations
      const admission = {
        device: this.#self,
        principal: hexOf(identity.principal),
        sealing: hexOf(identity.sealingKey),
        role: 'admin' as const,
        level: 0,
        name: decodeCertificate(certificate).name,
        certificate,
        ...(revoked === undefined ? {} : { after: revoked }),
      }
      const bodies = [
        ...revocations.map((fields) => ({ kind: CONTROL_KIND.revoke, body: writeControl('revoke', fields) })),
        { kind: CONTROL_KIND.admit, body: writeControl('admit', admission) },
      ]
      const frames = recoveryLog(bodies, { space: state.id, key, auth: state.digest, clock, random })
      this.#journal.ingest(state.id, frames, 'single')
    }
    const member = state.memberOf(this.#self)
    if (member === undefined) throw notHeld('the store did not take the records of the recovery key')
    return member
  }

  get #journal(): Journal {
    return this.#components.journal()
  }

  async #write(drafts: readonly Draft[]): Promise<void> {
    await this.#journal.appendTogether(drafts)
  }

  /** Until what we are writing is written: the end of our logs that we name must not cut it off. */
  async #quiet(): Promise<void> {
    await this.#journal.appendTogether([])
  }

  #own(state: SpaceState): Standing {
    const own = state.membership.members.get(this.#self)
    if (own !== undefined) return own
    throw new SpaceError('ERR_SPACE_ROLE', 'this device is no member of the space any more', {
      fix: 'Ask an admin of the space for a new ticket.',
    })
  }

  #assertAdminOver(state: SpaceState, peer: PeerId): void {
    const own = this.#own(state)
    const { members, former } = state.membership
    const target = members.get(peer) ?? former.get(peer)
    if (target === undefined) throw invalid('that peer never was a member of the space')
    if (!isAtLeast(own.role, 'admin') || target.level <= own.level) throw notSenior()
  }

  /**
   * Should there be more than a record can name: control logs first, then durable ones, then expiring ones of which something is
   * left; of each class the longest. Whoever writes what expires has many of these.
   */
  #cuts(state: SpaceState, peer: PeerId): readonly Cut[] {
    const heads = this.#journal.heads(state.id).filter(({ author }) => author === peer)
    const rank = ({ log, base, seq }: LogHead): number =>
      base > seq ? Number.POSITIVE_INFINITY : (bytesOfHex(log)[0] ?? 0)
    const byRank = (a: LogHead, b: LogHead): number => (rank(a) === rank(b) ? 0 : rank(a) - rank(b))
    return heads
      .toSorted((a, b) => byRank(a, b) || b.seq - a.seq)
      .slice(0, CUTS_MAX)
      .map(({ log, seq, id }) => [log, seq, id] as const)
  }

  #voided(state: SpaceState, device: PeerId, log: string): readonly VoidedRun[] {
    return this.#journal.voided(state.id).filter((run) => run.author === device && run.log === log)
  }

  /** Where the branch of a fork that begins with `id` ends, as far as it is held. */
  #endOfBranch(
    state: SpaceState,
    { author, log, seq }: Fork,
    id: RecordId,
    runs: readonly VoidedRun[],
  ): { readonly to: number; readonly last: RecordId } | undefined {
    const waiting = runs.find(({ first }) => first === id)
    if (waiting !== undefined) return waiting
    if (this.#journal.record(id)?.seq !== seq) return undefined
    const head = this.#journal.heads(state.id).find((one) => one.author === author && one.log === log)
    return head === undefined ? undefined : { to: head.seq, last: head.id }
  }
}

function idsOf({ proof }: Fork): readonly RecordId[] {
  return [proof.headerA, proof.headerB].map((header) => recordIdOf(recordIdBytes(header)))
}

function draft<T extends ControlType>(space: SpaceId, type: T, fields: ControlFields[T]): Draft {
  return { space, class: LOG_CLASS.control, kind: CONTROL_KIND[type], body: writeControl(type, fields) }
}

function notSenior(): SpaceError {
  return new SpaceError('ERR_SPACE_ROLE', 'only an admin who came before may decide over that member', {
    fix: 'Ask the founder or whoever admitted that member.',
  })
}

function notHeld(message: string): SpaceError {
  return new SpaceError('ERR_SPACE_NOT_HELD', message, { fix: 'Wait until this peer has caught up with the others.' })
}

function invalid(message: string): SpaceError {
  return new SpaceError('ERR_SPACE_ARGUMENT', message)
}
