import {
  bytesOfHex,
  type CborValue,
  encodeCbor,
  HASH_BYTES,
  hexOf,
  keyOfPeerId,
  type PeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  spaceIdOf,
} from '../../base/index.ts'
import { CERTIFICATE_MAX_BYTES, NAME_MAX_CHARS, SIGNATURE_BYTES } from '../../identity/index.ts'
import { ADDRESS_MAX_CHARS, ADDRESSES_PER_PEER } from '../../network/index.ts'
import { RUN_MAX_BYTES } from '../../records/index.ts'
import type { JoinRequest } from '../../space/index.ts'
import { asArray, asBytes, asText, malformed, openMessage, WIRE_VERSION } from '../fields.ts'

/** docs/specs/join.md */
export const JOIN_PROTOCOL = '/plexus/join/1.0.0'
export const JOIN_REQUEST_MAX_BYTES: number = 4 * 1024
/** One frame of an answer: at most a batch of control records with its head. */
export const JOIN_FRAME_MAX_BYTES: number = RUN_MAX_BYTES + 64
/** A whole answer. */
export const JOIN_ANSWER_MAX_BYTES: number = 16 * 1024 * 1024
/** Members whose addresses an answer tells. */
export const JOIN_PEERS_MAX = 64
const CODE_MAX_CHARS = 64
const MESSAGE_MAX_CHARS = 200

const REFUSED = 0
const ADMITTED = 1
const CONTROL = 2
const END = 3

export interface PeerAddresses {
  readonly peer: PeerId
  readonly addresses: readonly string[]
}

/** The frames of an answer: `refused`; or `admitted`, any number of `control`, `end`. */
export type JoinAnswer =
  | { readonly is: 'refused'; readonly code: string; readonly message: string }
  | { readonly is: 'admitted'; readonly peers: readonly PeerAddresses[] }
  /** A batch of frames of one control log, in the encoding of docs/specs/records.md. */
  | { readonly is: 'control'; readonly frames: Uint8Array }
  | { readonly is: 'end' }

export function encodeJoinRequest(request: JoinRequest): Uint8Array {
  const { space, inviteId, device, certificate, name, proof } = request
  return encodeCbor([
    WIRE_VERSION,
    bytesOfHex(space),
    bytesOfHex(inviteId),
    keyOfPeerId(device),
    certificate,
    name,
    proof,
  ])
}

export function decodeJoinRequest(bytes: Uint8Array): JoinRequest {
  const [space, inviteId, device, certificate, name, proof] = openMessage(bytes, 6)
  return {
    space: spaceIdOf(asBytes(space, HASH_BYTES)),
    inviteId: hexOf(asBytes(inviteId, PUBLIC_KEY_BYTES)),
    device: peerIdOfKey(asBytes(device, PUBLIC_KEY_BYTES)),
    certificate: asBytes(certificate, 1, CERTIFICATE_MAX_BYTES),
    name: asText(name, NAME_MAX_CHARS),
    proof: asBytes(proof, SIGNATURE_BYTES),
  }
}

export function encodeJoinAnswer(answer: JoinAnswer): Uint8Array {
  switch (answer.is) {
    case 'refused':
      return encodeCbor([WIRE_VERSION, REFUSED, [answer.code, answer.message]])
    case 'admitted':
      return encodeCbor([WIRE_VERSION, ADMITTED, answer.peers.map((one) => [keyOfPeerId(one.peer), one.addresses])])
    case 'control':
      return encodeCbor([WIRE_VERSION, CONTROL, answer.frames])
    case 'end':
      return encodeCbor([WIRE_VERSION, END, null])
  }
}

export function decodeJoinAnswer(bytes: Uint8Array): JoinAnswer {
  const [type, content] = openMessage(bytes, 2)
  switch (type) {
    case REFUSED: {
      const [code, message] = asArray(content, 2)
      return { is: 'refused', code: asText(code, CODE_MAX_CHARS), message: asText(message, MESSAGE_MAX_CHARS) }
    }
    case ADMITTED:
      return { is: 'admitted', peers: asArray(content, 0, JOIN_PEERS_MAX).map(asPeerAddresses) }
    case CONTROL:
      return { is: 'control', frames: asBytes(content, 1, RUN_MAX_BYTES) }
    case END:
      return content === null ? { is: 'end' } : malformed()
    default:
      return malformed()
  }
}

export function asPeerAddresses(value: CborValue): PeerAddresses {
  const [key, addresses] = asArray(value, 2)
  return {
    peer: peerIdOfKey(asBytes(key, PUBLIC_KEY_BYTES)),
    addresses: asArray(addresses, 0, ADDRESSES_PER_PEER).map((address) => asText(address, ADDRESS_MAX_CHARS)),
  }
}
