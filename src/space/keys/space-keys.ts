import { bytesOfHex, hexOf, keyOfPeerId, type PeerId, type Random, type SpaceId } from '../../base/index.ts'
import type { Identity } from '../../identity/index.ts'
import { type BodyCipher, type CipherPlace, type Draft, LOG_CLASS } from '../../records/index.ts'
import type { Database } from '../../store/index.ts'
import { type ControlRecord, EPOCH_MAX, writeControl } from '../control-records.ts'
import type { Admitted, KeyChanges } from '../key-changes.ts'
import type { Standing } from '../membership.ts'
import { isAtLeast } from '../roles.ts'
import type { SpaceState } from '../space-state.ts'
import { CONTROL_KIND, type KeyFigures, type KeysDue, type Role } from '../types.ts'
import { BODY_NONCE_BYTES, BodySealing, keyIdOfBody } from './body-sealing.ts'
import { EPOCH_KEY_BYTES, type EpochKey, epochKey } from './epoch-key.ts'
import { epochBodies } from './epoch-records.ts'
import { HeldKeys } from './held-keys.ts'
import { KeyTable } from './key-table.ts'
import type { Epoch, KeyReader } from './keyring.ts'
import { SpaceKeyring } from './space-keyring.ts'

/** An epoch serves for so long, then it is renewed although nobody was removed. */
export const EPOCH_MAX_AGE_MS: number = 30 * 24 * 3_600_000

export interface SpaceKeysComponents {
  readonly identity: Identity
  readonly random: Random
  /** Opened with `spaceSchema`. */
  readonly database: Database
  readonly stateOf: (space: SpaceId) => SpaceState | undefined
}

/** The epoch keys of all encrypted spaces of this device: opens them, hands them out, and seals bodies under them. */
export class SpaceKeys implements BodyCipher, KeyChanges {
  readonly #use: SpaceKeysComponents
  readonly #self: PeerId
  readonly #table: KeyTable
  readonly #sealing = new BodySealing()
  readonly #keyrings = new Map<SpaceId, SpaceKeyring>()

  constructor(components: SpaceKeysComponents) {
    this.#use = components
    this.#self = components.identity.device.peer
    this.#table = new KeyTable(components.database)
  }

  /** An epoch record was stored, or read from the store. Returns what of it the evaluation of the membership needs. */
  observe(space: SpaceId, record: ControlRecord<'epoch'>): ControlRecord<'epoch'> {
    const fromAdmin = this.#use.stateOf(space)?.wasAdmin(record.author) ?? false
    return this.#keyringOf(space).observe(bytesOfHex(space), record, fromAdmin)
  }

  /** Control records of the space no longer hold; all that do are observed again. */
  forget(space: SpaceId): void {
    this.#keyrings.delete(space)
  }

  isEncrypted(space: SpaceId): boolean {
    return this.#use.stateOf(space)?.isEncrypted === true
  }

  seal(place: CipherPlace, plain: Uint8Array): { readonly epoch: number; readonly body: Uint8Array } | undefined {
    const state = this.#use.stateOf(place.space)
    const epoch = state === undefined ? undefined : this.#keyringOf(place.space).current(state)
    if (epoch === undefined) return undefined
    const nonce = this.#use.random.bytes(BODY_NONCE_BYTES)
    return { epoch: epoch.n, body: this.#sealing.seal(epoch, place, nonce, plain) }
  }

  open(place: CipherPlace, epoch: number, body: Uint8Array): Uint8Array | undefined {
    const id = keyIdOfBody(body)
    const key = id === undefined ? undefined : this.#keyringOf(place.space).held.get(id)
    return key?.n === epoch ? this.#sealing.open(key, place, body) : undefined
  }

  takeNewEpochs(space: SpaceId): readonly number[] {
    return this.#keyringOf(space).held.takeFresh()
  }

  /** The first epoch of a space that was founded just now. */
  onFounding(state: SpaceState): readonly Draft[] {
    return state.isEncrypted ? this.#newEpoch(state, this.#readersOf(state)) : []
  }

  onAdmission(state: SpaceState, { device: peer, role, sealing, principal }: Admitted): readonly Draft[] {
    if (!state.isEncrypted || !isAtLeast(role, 'reader')) return []
    const device = hexOf(keyOfPeerId(peer))
    const added = { device, principal, sealing }
    const isOurs = principal === hexOf(this.#use.identity.principal)
    // Who may read from now on only must not get the key that was written under until now.
    if (!sharesHistory(state) && !isOurs && this.#isAdmin(state))
      return this.#newEpoch(state, [...this.#readersOf(state), added])
    return this.#grants(state, [added])
  }

  onRemoval(state: SpaceState, removed: PeerId): readonly Draft[] {
    // Whoever leaves would know the key it makes.
    if (!state.isEncrypted || removed === this.#self || !this.#isAdmin(state)) return []
    const device = hexOf(keyOfPeerId(removed))
    if (!this.#keyringOf(state.id).readers(state).has(device)) return []
    return this.#newEpoch(
      state,
      this.#readersOf(state).filter((reader) => reader.device !== device),
    )
  }

  /**
   * Who may read no more is as good as removed, and who may read from now on as good as new. With an admin's word goes what it gave
   * to those whom we have not heard of: they may hold the key, and are no members now.
   */
  onRole(state: SpaceState, target: Standing, role: Role): readonly Draft[] {
    const [reads, willRead] = [isAtLeast(target.role, 'reader'), isAtLeast(role, 'reader')]
    const { peer: device, principal, sealing } = target
    if (reads === willRead) {
      const losesItsWord = isAtLeast(target.role, 'admin') && !isAtLeast(role, 'admin')
      return losesItsWord && state.isEncrypted && this.#isAdmin(state) && device !== this.#self
        ? this.#newEpoch(state, this.#readersOf(state))
        : []
    }
    return reads ? this.onRemoval(state, device) : this.onAdmission(state, { device, role, principal, sealing })
  }

  /** What has to be done that this device may do. */
  due(state: SpaceState, nowMs: number): KeysDue | undefined {
    if (!state.isEncrypted || !isAtLeast(state.membership.members.get(this.#self)?.role, 'reader')) return undefined
    const keyring = this.#keyringOf(state.id)
    const [best] = keyring.epochs(state)
    const isAdmin = this.#isAdmin(state)
    if (isAdmin && (best === undefined || best.leaks || isOld(best, nowMs))) return 'epoch'
    if (best === undefined) return undefined
    const isMissed = this.#missing(state).length > 0
    if (isAdmin && isMissed && !sharesHistory(state)) return 'epoch'
    if (keyring.held.get(best.key) === undefined) return isAdmin ? 'stuck' : undefined
    if (isMissed) return 'grant'
    return sharesHistory(state) && keyring.held.rootsWithout(best.key).length > 0 ? 'chain' : undefined
  }

  /** The records that do what `due` says. */
  draftsFor(state: SpaceState, due: KeysDue): readonly Draft[] {
    const isNew = due === 'epoch' || due === 'stuck'
    return isNew ? this.#newEpoch(state, this.#readersOf(state)) : this.#grants(state, this.#missing(state))
  }

  /** Readers without the best key, as far as it counts if we give it to them. */
  #missing(state: SpaceState): readonly KeyReader[] {
    const isAdmin = this.#isAdmin(state)
    const own = state.membership.members.get(this.#self)?.principal
    const missing = this.#keyringOf(state.id).epochs(state)[0]?.missing ?? []
    return missing.filter(({ principal }) => isAdmin || principal === own)
  }

  figures(state: SpaceState, nowMs: number): KeyFigures {
    const keyring = this.#keyringOf(state.id)
    return { epoch: keyring.current(state)?.n ?? 0, keys: keyring.held.size, due: this.due(state, nowMs) }
  }

  /** A new key for these readers; older ones go with it unless newcomers may not have them. */
  #newEpoch(state: SpaceState, readers: readonly KeyReader[]): readonly Draft[] {
    const { random } = this.#use
    const keyring = this.#keyringOf(state.id)
    const n = Math.min((keyring.epochs(state)[0]?.n ?? 0) + 1, EPOCH_MAX)
    const epoch = epochKey(bytesOfHex(state.id), n, random.bytes(EPOCH_KEY_BYTES))
    return this.#drafts(state, epoch, readers, sharesHistory(state) ? keyring.held.rootsWithout() : [])
  }

  /** The current key for more readers, and what it does not lead to yet. */
  #grants(state: SpaceState, readers: readonly KeyReader[]): readonly Draft[] {
    const keyring = this.#keyringOf(state.id)
    const best = keyring.epochs(state)[0]
    const epoch = best === undefined ? undefined : keyring.held.get(best.key)
    if (epoch === undefined) return []
    const older = sharesHistory(state) ? keyring.held.rootsWithout(epoch.id) : []
    return this.#drafts(state, epoch, readers, older)
  }

  #drafts(
    { id: space }: SpaceState,
    epoch: EpochKey,
    readers: readonly KeyReader[],
    older: readonly EpochKey[],
  ): readonly Draft[] {
    const { identity, random } = this.#use
    const bodies = epochBodies({ space: bytesOfHex(space), author: identity.device.publicKey, random }, epoch, {
      readers,
      older,
    })
    const kind = CONTROL_KIND.epoch
    return bodies.map((body) => ({ space, class: LOG_CLASS.control, kind, body: writeControl('epoch', body) }))
  }

  #readersOf(state: SpaceState): readonly KeyReader[] {
    return [...this.#keyringOf(state.id).readers(state).values()]
  }

  #isAdmin(state: SpaceState): boolean {
    return isAtLeast(state.membership.members.get(this.#self)?.role, 'admin')
  }

  #keyringOf(space: SpaceId): SpaceKeyring {
    const known = this.#keyrings.get(space)
    if (known !== undefined) return known
    const keyring = new SpaceKeyring(new HeldKeys(space, this.#table), this.#use.identity)
    this.#keyrings.set(space, keyring)
    return keyring
  }
}

/** Of the highest number there are no newer ones. */
function isOld({ n, madeAt }: Epoch, nowMs: number): boolean {
  return nowMs - madeAt > EPOCH_MAX_AGE_MS && n < EPOCH_MAX
}

/** Whether a new member may read what was written before it came. */
function sharesHistory(state: SpaceState): boolean {
  return state.genesis.body.history === 'all'
}
