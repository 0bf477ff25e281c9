import { hexOf, hlcToMs, keyOfPeerId, type PeerId, type RecordId } from '../../base/index.ts'
import type { Identity } from '../../identity/index.ts'
import type { ControlRecord } from '../control-records.ts'
import type { Said } from '../hearing.ts'
import type { Membership } from '../membership.ts'
import { isAtLeast } from '../roles.ts'
import type { SpaceState } from '../space-state.ts'
import { type EpochKey, openKeyBox } from './epoch-key.ts'
import type { HeldKeys } from './held-keys.ts'
import {
  chosenEpoch,
  type Epoch,
  type EpochContent,
  type EpochMention,
  evaluateKeyring,
  type KeyReader,
} from './keyring.ts'

/** The epochs of one encrypted space: what the control records say of them, and the keys that we hold. */
export class SpaceKeyring {
  readonly held: HeldKeys
  readonly #identity: Identity
  readonly #self: string
  readonly #contents = new Map<RecordId, EpochContent>()
  /** One text for each device, however many boxes it has. */
  readonly #devices = new Map<string, string>()
  readonly #deviceOfPeer = new Map<PeerId, string>()
  #epochs: readonly Epoch[] = []
  #readers: ReadonlyMap<string, KeyReader> = new Map()
  /** What `#epochs` and `#readers` follow from. */
  #membership: Membership | undefined

  constructor(held: HeldKeys, identity: Identity) {
    this.held = held
    this.#identity = identity
    this.#self = hexOf(identity.device.publicKey)
  }

  /**
   * Opens what is in it for us; `fromAdmin` if its author is known to be or to have been an admin. Returns the record without what
   * only we have a use for.
   */
  observe(space: Uint8Array, record: ControlRecord<'epoch'>, fromAdmin: boolean): ControlRecord<'epoch'> {
    const { id, author, hlc, body } = record
    const { n, key, boxes, previous = [] } = body
    this.#contents.set(id, {
      n,
      key,
      boxes: boxes.map(([device]) => this.#deviceText(device)),
      previous: previous.map(([, older]) => older),
      madeAt: hlcToMs(hlc),
    })
    const box = this.held.get(key) === undefined ? boxes.find(([device]) => device === this.#self)?.[1] : undefined
    if (box !== undefined) {
      const place = { space, author: keyOfPeerId(author), device: this.#identity.device.publicKey }
      const opened = openKeyBox(this.#identity, place, { n, id: key }, box)
      if (opened !== undefined) this.held.add(opened, fromAdmin)
    }
    if (previous.length > 0) this.held.addSealed(key, previous, fromAdmin)
    return { ...record, body: { type: 'epoch', n, key, boxes: [] } }
  }

  /** Best first. */
  epochs(state: SpaceState): readonly Epoch[] {
    this.#follow(state)
    return this.#epochs
  }

  /** By device key. */
  readers(state: SpaceState): ReadonlyMap<string, KeyReader> {
    this.#follow(state)
    return this.#readers
  }

  /** The key to write under; `undefined` while none may be used. */
  current(state: SpaceState): EpochKey | undefined {
    const chosen = chosenEpoch(this.epochs(state), (key) => this.held.get(key) !== undefined)
    return chosen === undefined ? undefined : this.held.get(chosen.key)
  }

  #follow({ membership }: SpaceState): void {
    if (this.#membership === membership) return
    this.#membership = membership
    this.#readers = readersOf(membership, this.#deviceOf)
    const principals = principalsOf(membership, this.#deviceOf)
    this.#epochs = evaluateKeyring({
      mentions: membership.epochs.flatMap((said) => this.#mentionOf(said) ?? []),
      readers: this.#readers,
      principalOf: (device) => principals.get(device),
    })
  }

  #mentionOf({ record, level, isAdmin }: Said<'epoch'>): EpochMention | undefined {
    const content = this.#contents.get(record.id)
    if (content === undefined) return undefined
    return { ...content, record: record.id, device: this.#deviceOf(record.author), level, isAdmin }
  }

  /** Finding the key in the id of a peer takes a while, and is asked of every member again and again. */
  readonly #deviceOf = (peer: PeerId): string => {
    const known = this.#deviceOfPeer.get(peer) ?? hexOf(keyOfPeerId(peer))
    this.#deviceOfPeer.set(peer, known)
    return known
  }

  #deviceText(device: string): string {
    const known = this.#devices.get(device)
    if (known !== undefined) return known
    this.#devices.set(device, device)
    return device
  }
}

type DeviceOf = (peer: PeerId) => string

function readersOf({ members }: Membership, deviceOf: DeviceOf): ReadonlyMap<string, KeyReader> {
  const readers = new Map<string, KeyReader>()
  for (const { peer, role, principal, sealing } of members.values()) {
    const device = deviceOf(peer)
    if (isAtLeast(role, 'reader')) readers.set(device, { device, principal, sealing })
  }
  return readers
}

function principalsOf({ members, former }: Membership, deviceOf: DeviceOf): ReadonlyMap<string, string> {
  const known = [...former.values(), ...members.values()]
  return new Map(known.map(({ peer, principal }) => [deviceOf(peer), principal]))
}
