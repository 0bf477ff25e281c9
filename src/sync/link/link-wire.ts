import {
  bytesOfHex,
  type CborValue,
  encodeCbor,
  HASH_BYTES,
  keyOfPeerId,
  type PeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  type SpaceId,
  spaceIdOf,
} from '../../base/index.ts'
import {
  CERTIFICATE_MAX_BYTES,
  DEVICE_KINDS,
  type DeviceKind,
  isName,
  NAME_MAX_CHARS,
  SIGNATURE_BYTES,
} from '../../identity/index.ts'
import { RUN_MAX_BYTES } from '../../records/index.ts'
import { asArray, asBytes, asText, malformed, openMessage, WIRE_VERSION } from '../fields.ts'
import { asPeerAddresses, JOIN_PEERS_MAX, type PeerAddresses } from '../join/join-wire.ts'

/** docs/specs/link.md */
export const LINK_PROTOCOL = '/plexus/link/1.0.0'
/** One frame: at most a batch of control records with its head. */
export const LINK_FRAME_MAX_BYTES: number = RUN_MAX_BYTES + 128
const NONCE_BYTES = 32

/** Why one side ends a linking, as it tells the other. */
export const LINK_REFUSALS = ['refused', 'words', 'late', 'ticket', 'protocol', 'failed'] as const
export type LinkRefusal = (typeof LINK_REFUSALS)[number]

/** The first message of the new device. */
export interface LinkHello {
  /** Public half of the ticket's key. */
  readonly ticket: Uint8Array
  readonly device: PeerId
  readonly sealingKey: Uint8Array
  readonly name: string
  readonly kind: DeviceKind
  readonly commitment: Uint8Array
  readonly proof: Uint8Array
}

/** What the old device says of itself. */
export interface LinkOffer {
  readonly principal: Uint8Array
  readonly name: string
  readonly nonce: Uint8Array
}

export type LinkMessage =
  | ({ readonly is: 'hello' } & LinkHello)
  | ({ readonly is: 'offer' } & LinkOffer)
  | { readonly is: 'reveal'; readonly nonce: Uint8Array }
  | { readonly is: 'confirmed' }
  | { readonly is: 'certificate'; readonly certificate: Uint8Array }
  /** With the device's consent to belong to the same person as the old one (docs/specs/space.md). */
  | { readonly is: 'kept'; readonly proof: Uint8Array }
  | { readonly is: 'peers'; readonly peers: readonly PeerAddresses[] }
  /** A batch of frames of one control log, in the encoding of docs/specs/records.md. */
  | { readonly is: 'control'; readonly space: SpaceId; readonly frames: Uint8Array }
  | { readonly is: 'end' }
  | { readonly is: 'done' }
  | { readonly is: 'refused'; readonly why: LinkRefusal }

const TYPES = [
  'hello',
  'offer',
  'reveal',
  'confirmed',
  'certificate',
  'kept',
  'peers',
  'control',
  'end',
  'done',
  'refused',
] as const

export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  return encodeCbor([WIRE_VERSION, TYPES.indexOf(message.is), contentOf(message)])
}

function contentOf(message: LinkMessage): CborValue {
  switch (message.is) {
    case 'hello': {
      const { ticket, device, sealingKey, name, kind, commitment, proof } = message
      return [ticket, keyOfPeerId(device), sealingKey, name, kind, commitment, proof]
    }
    case 'offer':
      return [message.principal, message.name, message.nonce]
    case 'reveal':
      return message.nonce
    case 'certificate':
      return message.certificate
    case 'kept':
      return message.proof
    case 'peers':
      return message.peers.map((one) => [keyOfPeerId(one.peer), one.addresses])
    case 'control':
      return [bytesOfHex(message.space), message.frames]
    case 'refused':
      return message.why
    default:
      return null
  }
}

/** Throws `ERR_SYNC_MALFORMED`. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage {
  const [type, content] = openMessage(bytes, 2)
  const is = typeof type === 'number' ? TYPES[type] : undefined
  switch (is) {
    case 'hello':
      return { is, ...helloOf(content) }
    case 'offer': {
      const [principal, name, nonce] = asArray(content, 3)
      return {
        is,
        principal: asBytes(principal, PUBLIC_KEY_BYTES),
        name: asName(name),
        nonce: asBytes(nonce, NONCE_BYTES),
      }
    }
    case 'reveal':
      return { is, nonce: asBytes(content, NONCE_BYTES) }
    case 'certificate':
      return { is, certificate: asBytes(content, 1, CERTIFICATE_MAX_BYTES) }
    case 'kept':
      return { is, proof: asBytes(content, SIGNATURE_BYTES) }
    case 'peers':
      return { is, peers: asArray(content, 0, JOIN_PEERS_MAX).map(asPeerAddresses) }
    case 'control': {
      const [space, frames] = asArray(content, 2)
      return { is, space: spaceIdOf(asBytes(space, HASH_BYTES)), frames: asBytes(frames, 1, RUN_MAX_BYTES) }
    }
    case 'refused':
      return { is, why: LINK_REFUSALS.find((known) => known === content) ?? malformed() }
    case undefined:
      return malformed()
    default:
      return content === null ? { is } : malformed()
  }
}

function helloOf(content: CborValue | undefined): LinkHello {
  const [ticket, device, sealingKey, name, kind, commitment, proof] = asArray(content, 7)
  return {
    ticket: asBytes(ticket, PUBLIC_KEY_BYTES),
    device: peerIdOfKey(asBytes(device, PUBLIC_KEY_BYTES)),
    sealingKey: asBytes(sealingKey, PUBLIC_KEY_BYTES),
    name: asName(name),
    kind: DEVICE_KINDS.find((known) => known === kind) ?? malformed(),
    commitment: asBytes(commitment, HASH_BYTES),
    proof: asBytes(proof, SIGNATURE_BYTES),
  }
}

function asName(value: CborValue | undefined): string {
  const name = asText(value, NAME_MAX_CHARS)
  return isName(name) ? name : malformed()
}
