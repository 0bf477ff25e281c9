import { type Clock, HLC_MAX_AHEAD_MS, hlcToMs, type PeerId, type SpaceId } from '../../base/index.ts'
import type { KeyFile, Verifier } from '../../identity/index.ts'
import { decodeFrames, decodeHeader, type Frame, type Journal } from '../../records/index.ts'
import type { Spaces } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import { proveAdmission } from '../join/admission-proof.ts'
import type { PeerAddresses } from '../join/join-wire.ts'
import type { LinkMessage } from './link-wire.ts'

/** All that an old device may send. */
export const LINK_ANSWER_MAX_BYTES: number = 64 * 1024 * 1024

export interface ReceptionComponents {
  readonly self: PeerId
  readonly journal: Journal
  readonly spaces: Spaces
  readonly keys: KeyFile
  readonly verifier: Verifier
  readonly clock: Clock
}

/** What the new device gets: kept in memory until all of it is there, then checked, then stored. */
export class Reception {
  readonly #use: ReceptionComponents
  readonly #frames = new Map<SpaceId, Frame[]>()
  peers: readonly PeerAddresses[] = []
  #bytes = 0

  constructor(components: ReceptionComponents) {
    this.#use = components
  }

  get spaces(): readonly SpaceId[] {
    return [...this.#frames.keys()]
  }

  collect(message: Extract<LinkMessage, { readonly is: 'control' | 'peers' }>): void {
    if (message.is === 'peers') {
      this.peers = message.peers
      return
    }
    this.#bytes += message.frames.byteLength
    if (this.#bytes > LINK_ANSWER_MAX_BYTES) {
      throw new SyncError('ERR_SYNC_MALFORMED', `the other device sends more than ${LINK_ANSWER_MAX_BYTES} bytes`)
    }
    const frames = this.#frames.get(message.space) ?? []
    this.#frames.set(message.space, frames)
    frames.push(...decodeFrames(message.frames))
  }

  /** Every space is checked before anything of one is stored; only then the certificate takes over. */
  take(): void {
    const { self, verifier, journal, spaces, keys } = this.#use
    const proven = [...this.#frames].map(
      ([space, frames]) => [space, proveAdmission(frames, { space, self, verifier })] as const,
    )
    const latest = this.#use.clock.now() + HLC_MAX_AHEAD_MS
    const isAhead = ({ header }: Frame): boolean => hlcToMs(decodeHeader(header).hlc) > latest
    // The store would set them aside: then some spaces would be there and others not.
    if (proven.some(([, logs]) => logs.some((log) => log.some(isAhead)))) throw notAccepted()
    for (const [space, logs] of proven) {
      using _expected = spaces.expect(space)
      for (const frames of logs) journal.ingest(space, frames, 'run')
      journal.retryParked(space)
      if (spaces.get(space)?.self === undefined) throw notAccepted()
    }
    keys.takeOver()
  }
}

function notAccepted(): SyncError {
  return new SyncError('ERR_JOIN_ANSWER', 'the control records of the other device were not accepted by the store', {
    fix: 'Check the clocks of both machines: records from more than five minutes ahead are set aside.',
  })
}
