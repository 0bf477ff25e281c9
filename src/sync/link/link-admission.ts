import type { Clock, PeerId, SpaceId } from '../../base/index.ts'
import type { Transport } from '../../network/index.ts'
import type { Journal } from '../../records/index.ts'
import type { Role, Spaces } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import { controlFrames } from '../join/control-frames.ts'
import type { FramedChannel } from '../join/framed-channel.ts'
import { JOIN_PEERS_MAX, type PeerAddresses } from '../join/join-wire.ts'
import { encodeLinkMessage, type LinkMessage } from './link-wire.ts'

/** How long the new device has to come as a member after its last word was lost. */
export const LINK_APPEARS_TIMEOUT_MS = 60_000

export interface AdmissionComponents {
  readonly transport: Transport
  readonly journal: Journal
  readonly spaces: Spaces
  readonly clock: Clock
  readonly addressesOf: (peer: PeerId) => readonly string[]
  readonly appears: (peer: PeerId, signal: AbortSignal) => Promise<unknown>
  readonly unfinished: { get(): PeerId | undefined; set(device: PeerId | undefined): void }
}

/** What the old device does for the new one in its spaces, and how that is taken back. */
export class Admission {
  readonly #use: AdmissionComponents
  readonly #device: PeerId
  readonly #name: string

  constructor(of: { readonly device: PeerId; readonly name: string }, components: AdmissionComponents) {
    this.#device = of.device
    this.#name = of.name
    this.#use = components
  }

  /** Where the device is a member now. */
  get spaces(): readonly SpaceId[] {
    const { spaces } = this.#use
    return spaces
      .list()
      .filter(({ id }) => spaces.roleOf(id, this.#device) !== undefined)
      .map(({ id }) => id)
  }

  /** To every space of ours, with a role that is not above our own. */
  async admit(of: { readonly certificate: Uint8Array; readonly proof: Uint8Array }): Promise<void> {
    const { certificate, proof } = of
    const { spaces, unfinished } = this.#use
    unfinished.set(this.#device)
    for (const { id, self } of spaces.list()) {
      if (self === undefined || spaces.roleOf(id, this.#device) !== undefined) continue
      const role: Role = self.role === 'founder' ? 'admin' : self.role
      await spaces.admitDevice(id, { certificate, device: this.#device, name: this.#name, role, proof })
    }
  }

  async deliver(framed: FramedChannel, signal: AbortSignal): Promise<void> {
    const send = (message: LinkMessage): Promise<void> => framed.send(encodeLinkMessage(message), { signal })
    await send({ is: 'peers', peers: this.#peers() })
    for (const space of this.spaces) {
      for (const frames of controlFrames(space, this.#use)) await send({ is: 'control', space, frames })
    }
    await send({ is: 'end' })
  }

  /** Rejects if the device does not come in time. */
  async awaited(signal: AbortSignal): Promise<void> {
    const { appears, clock } = this.#use
    const late = new AbortController()
    using _timer = clock.setTimer(LINK_APPEARS_TIMEOUT_MS, () =>
      late.abort(new SyncError('ERR_LINK_LATE', 'the new device did not come as a member')),
    )
    await appears(this.#device, AbortSignal.any([signal, late.signal]))
  }

  async withdraw(): Promise<void> {
    for (const space of this.spaces) await this.#use.spaces.revoke(space, this.#device)
    this.finished()
  }

  finished(): void {
    this.#use.unfinished.set(undefined)
  }

  #peers(): readonly PeerAddresses[] {
    const known = [...this.#use.spaces.peers()].map((peer) => ({ peer, addresses: this.#use.addressesOf(peer) }))
    return known.filter(({ peer, addresses }) => peer !== this.#device && addresses.length > 0).slice(0, JOIN_PEERS_MAX)
  }
}
