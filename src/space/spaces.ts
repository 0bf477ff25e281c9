import {
  type Clock,
  Events,
  hexOf,
  isHex,
  type Logger,
  type PeerId,
  PUBLIC_KEY_BYTES,
  type Random,
  type RecordId,
  type SpaceId,
} from '../base/index.ts'
import { type Identity, isName, NAME_MAX_CHARS, type Verifier } from '../identity/index.ts'
import {
  type AuthorityVerdict,
  type BodyCipher,
  type Journal,
  LOG_CLASS,
  type LogClass,
  type LogRule,
  NO_RULE,
  type RecordPlace,
  type StoredRecord,
  type Write,
} from '../records/index.ts'
import type { Database } from '../store/index.ts'
import { CarriedProofs } from './carried-proofs.ts'
import { type ControlRecord, SPACE_NAME_MAX_CHARS, writeControl } from './control-records.ts'
import { discoverySecret } from './discovery-keys.ts'
import { SpaceError } from './errors.ts'
import { Governor } from './governance.ts'
import { Granter } from './granting.ts'
import { signRequest } from './invite-key.ts'
import { SpaceKeys } from './keys/space-keys.ts'
import { MembershipNews } from './membership-news.ts'
import { Redeemer } from './redemption.ts'
import { controlRecordOf, DIGEST_BYTES, SpaceState } from './space-state.ts'
import type {
  AcceptOptions,
  BranchChoice,
  CreateOptions,
  DeviceAdmission,
  ForkInfo,
  FormerMember,
  Invite,
  InviteOptions,
  JoinOutcome,
  JoinRequest,
  KeyFigures,
  KeysDue,
  Member,
  Removal,
  Role,
  SpaceEvents,
  SpaceInfo,
  Spaces,
  Ticket,
} from './types.ts'
import { judgeWrite, mayReceive } from './write-rules.ts'

export interface SpacesInit {
  /** Our own name as other members see it; 1 to 64 printable characters. */
  readonly name: string
}

export interface SpacesComponents {
  readonly identity: Identity
  readonly verifier: Verifier
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Opened with `recordsSchema` and `spaceSchema`. */
  readonly database: Database
}

const NO_DIGEST = new Uint8Array(DIGEST_BYTES)
const PAGE_RECORDS = 1000

/**
 * The journal asks this who may write, and this writes through the journal. So: `createSpaces`, then the journal with it as
 * its authority, then `attach(journal)`, then `load()`.
 */
export function createSpaces(init: SpacesInit): (components: SpacesComponents) => Spaces {
  return (components) => new StoredSpaces(init, components)
}

class StoredSpaces implements Spaces {
  readonly events: Events<SpaceEvents>
  readonly #name: string
  readonly #components: SpacesComponents
  readonly #self: PeerId
  readonly #keys: SpaceKeys
  readonly #redeemer: Redeemer
  readonly #granter: Granter
  readonly #governor: Governor
  readonly #proofs: CarriedProofs
  readonly #states = new Map<SpaceId, SpaceState>()
  readonly #expected = new Map<SpaceId, number>()
  readonly #news: MembershipNews
  #attached: Journal | undefined
  #peers: ReadonlySet<PeerId> | undefined

  constructor(init: SpacesInit, components: SpacesComponents) {
    const { identity, verifier, clock, random, log, database } = components
    assertName(init.name)
    this.#name = init.name
    this.#components = components
    this.#self = identity.device.peer
    this.events = new Events(log)
    this.#news = new MembershipNews(this.events, (space) => this.#states.get(space))
    const keys = new SpaceKeys({ identity, random, database, stateOf: (space) => this.#states.get(space) })
    this.#keys = keys
    this.#granter = new Granter({ self: this.#self, clock, random, keys, journal: () => this.#journal })
    this.#governor = new Governor({ identity, verifier, clock, random, keys, journal: () => this.#journal })
    this.#proofs = new CarriedProofs(() => this.#journal, log)
    this.#redeemer = new Redeemer({
      self: this.#self,
      verifier,
      clock,
      keys,
      journal: () => this.#journal,
      stateOf: (space) => this.#states.get(space),
      onAdmitted: ({ space, inviteId, device, name }) =>
        this.events.emit('invite:used', { space, invite: inviteId, by: device, name }),
    })
  }

  get cipher(): BodyCipher {
    return this.#keys
  }

  attach(journal: Journal): void {
    this.#attached = journal
  }

  get #journal(): Journal {
    if (this.#attached === undefined) throw new SpaceError('ERR_SPACE_DETACHED', 'attach the journal first')
    return this.#attached
  }

  load(): void {
    for (const space of this.#journal.spaces()) this.#read(space)
    // What was known before the start is no news.
    this.#news.forget()
  }

  reload(space: SpaceId): void {
    const before = this.#states.get(space)
    this.#news.note(space, before)
    this.#read(space, before)
  }

  #read(space: SpaceId, before?: SpaceState): void {
    this.#states.delete(space)
    this.#keys.forget(space)
    this.#peers = undefined
    const query = { space, class: LOG_CLASS.control, limit: PAGE_RECORDS }
    let page = this.#journal.records(query)
    for (; page.length > 0; page = this.#journal.records({ ...query, afterRid: page.at(-1)?.rid ?? 0 })) {
      for (const record of page) this.#take(record, before)
    }
  }

  expect(space: SpaceId): Disposable {
    this.#expected.set(space, (this.#expected.get(space) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#expected.get(space) ?? 0) - 1
        if (left > 0) this.#expected.set(space, left)
        else this.#expected.delete(space)
      },
    }
  }

  mayWrite(write: Write): AuthorityVerdict {
    return judgeWrite(write, {
      self: this.#self,
      state: this.#states.get(write.space),
      expected: this.#expected.has(write.space),
    })
  }

  digest(space: SpaceId): Uint8Array {
    return this.#states.get(space)?.digest ?? NO_DIGEST
  }

  observe(record: StoredRecord): void {
    this.#news.note(record.space, this.#states.get(record.space))
    this.#take(record)
    this.#peers = undefined
  }

  #take(record: StoredRecord, before?: SpaceState): void {
    const read = controlRecordOf(record, this.#components.verifier)
    const control = isEpoch(read) ? this.#keys.observe(record.space, read) : read
    this.#proofs.observe(record.space, control)
    const state = this.#states.get(record.space)
    if (state !== undefined) state.add(record, control)
    else if (isGenesis(control)) this.#states.set(record.space, new SpaceState(record, control, before))
  }

  ruleOf(space: SpaceId, author: PeerId, log: string): LogRule {
    return this.#states.get(space)?.ruleOf(author, log) ?? NO_RULE
  }

  takeChangedRules(space: SpaceId): ReadonlySet<PeerId> {
    return this.#states.get(space)?.takeChangedRules() ?? new Set()
  }

  takeErased(space: SpaceId): readonly RecordPlace[] {
    return this.#states.get(space)?.takeErased() ?? []
  }

  isErased(space: SpaceId, author: PeerId, log: string, seq: number): boolean {
    return this.#states.get(space)?.isErased(author, log, seq) ?? false
  }

  async create(options: CreateOptions): Promise<SpaceInfo> {
    const { recovery, encrypted = true, history = 'all' } = options
    assertName(options.name, SPACE_NAME_MAX_CHARS)
    if (recovery !== undefined && !isHex(recovery, PUBLIC_KEY_BYTES)) throw invalid('the recovery key is no public key')
    const { identity } = this.#components
    const genesis = await this.#journal.found(
      writeControl('genesis', {
        v: 1,
        name: options.name,
        personal: options.personal,
        principal: hexOf(identity.principal),
        certificate: identity.certificate,
        sealing: hexOf(identity.sealingKey),
        member: this.#name,
        history,
        ...(recovery === undefined ? {} : { recovery }),
        ...(encrypted ? { encrypted } : {}),
      }),
    )
    const state = this.#known(genesis.space)
    // Should this not come to be, whoever keeps the keys fresh makes up for it.
    await this.#journal.appendTogether(this.#keys.onFounding(state))
    return state.info(this.#self)
  }

  list(): readonly SpaceInfo[] {
    const infos = [...this.#states.values()].map((state) => state.info(this.#self))
    // A device that was linked has the private space of before as well: ours now is that of our principal.
    const principal = hexOf(this.#components.identity.principal)
    const isOfOld = ({ personal, self }: SpaceInfo): boolean => personal && self?.principal !== principal
    return [...infos.filter((info) => !isOfOld(info)), ...infos.filter(isOfOld)]
  }

  get(space: SpaceId): SpaceInfo | undefined {
    return this.#states.get(space)?.info(this.#self)
  }

  roleOf(space: SpaceId, peer: PeerId): Role | undefined {
    return this.#states.get(space)?.membership.members.get(peer)?.role
  }

  admitsLog(space: SpaceId, peer: PeerId, logClass: LogClass): boolean {
    return this.#states.get(space)?.membership.rules.admits(peer, logClass) ?? false
  }

  mayReceive(space: SpaceId, peer: PeerId, logClass: LogClass): boolean {
    const state = this.#states.get(space)
    if (state === undefined) return false
    return mayReceive(state.membership.members.get(peer)?.role, logClass, state.isEncrypted)
  }

  peers(): ReadonlySet<PeerId> {
    if (this.#peers !== undefined) return this.#peers
    const peers = new Set<PeerId>()
    for (const { membership } of this.#states.values()) {
      if (!membership.members.has(this.#self)) continue
      for (const peer of membership.members.keys()) peers.add(peer)
    }
    peers.delete(this.#self)
    this.#peers = peers
    return peers
  }

  async invite(space: SpaceId, options: InviteOptions): Promise<{ readonly ticket: string; readonly invite: Invite }> {
    return await this.#granter.invite(this.#known(space), options)
  }

  invites(space: SpaceId): readonly Invite[] {
    const standings = this.#states.get(space)?.membership.invites ?? []
    return standings.map(({ log: _, ...invite }) => ({ ...invite, space }))
  }

  redeem(request: JoinRequest): Promise<JoinOutcome> {
    return this.#redeemer.redeem(request)
  }

  requestFor(ticket: Ticket, name: string): JoinRequest {
    assertName(name)
    return signRequest(ticket, this.#self, this.#components.identity.certificate, name)
  }

  async setRole(space: SpaceId, peer: PeerId, role: Role): Promise<void> {
    return await this.#granter.setRole(this.#known(space), peer, role)
  }

  async revoke(space: SpaceId, peer: PeerId): Promise<Removal> {
    return await this.#governor.revoke(this.#known(space), peer)
  }

  async revokeInvite(space: SpaceId, inviteId: string): Promise<void> {
    return await this.#governor.revokeInvite(this.#known(space), inviteId)
  }

  async leave(space: SpaceId, options?: { readonly force?: boolean }): Promise<void> {
    return await this.#governor.leave(this.#known(space), options)
  }

  async accept(space: SpaceId, options: AcceptOptions): Promise<void> {
    return await this.#governor.accept(this.#known(space), options)
  }

  async erase(space: SpaceId, record: RecordId): Promise<void> {
    return await this.#governor.erase(this.#known(space), record)
  }

  forksOf(space: SpaceId): readonly ForkInfo[] {
    return this.#governor.forks(this.#known(space))
  }

  async chooseBranch(space: SpaceId, choice: BranchChoice): Promise<void> {
    return await this.#governor.chooseBranch(this.#known(space), choice)
  }

  async admitDevice(space: SpaceId, admission: DeviceAdmission): Promise<Member> {
    return await this.#governor.admitDevice(this.#known(space), admission)
  }

  async rotateTo(space: SpaceId, next: Identity): Promise<void> {
    return await this.#governor.rotateTo(this.#known(space), next)
  }

  async recover(space: SpaceId, seed: Uint8Array): Promise<Member> {
    return await this.#governor.recover(this.#known(space), seed)
  }

  keys(space: SpaceId): KeyFigures | undefined {
    const state = this.#states.get(space)
    return state?.isEncrypted === true ? this.#keys.figures(state, this.#components.clock.now()) : undefined
  }

  async renewKeys(space: SpaceId): Promise<KeysDue | undefined> {
    const state = this.#known(space)
    const due = this.#keys.due(state, this.#components.clock.now())
    if (due === undefined) return undefined
    await this.#journal.appendTogether(this.#keys.draftsFor(state, due))
    return due
  }

  former(space: SpaceId): readonly FormerMember[] {
    return [...(this.#states.get(space)?.membership.former.values() ?? [])]
  }

  discoverySecret(space: SpaceId): Uint8Array | undefined {
    const genesis = this.#states.get(space)?.genesis
    const body = genesis === undefined ? undefined : this.#journal.frame(genesis.id)?.body
    return body === undefined || body === null ? undefined : discoverySecret(body)
  }

  #known(space: SpaceId): SpaceState {
    const state = this.#states.get(space)
    if (state === undefined) {
      throw new SpaceError('ERR_SPACE_UNKNOWN', 'this peer is in no such space', {
        fix: 'List the spaces with `plexus status`.',
      })
    }
    return state
  }
}

function isEpoch(control: ControlRecord | undefined): control is ControlRecord<'epoch'> {
  return control?.body.type === 'epoch'
}

function isGenesis(control: ControlRecord | undefined): control is ControlRecord<'genesis'> {
  return control?.body.type === 'genesis'
}

function assertName(name: string, maxChars: number = NAME_MAX_CHARS): void {
  if (!isName(name, maxChars)) throw invalid(`a name has 1 to ${maxChars} printable characters and no blanks around it`)
}

function invalid(message: string): SpaceError {
  return new SpaceError('ERR_SPACE_ARGUMENT', message)
}
