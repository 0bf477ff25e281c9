import { concatBytes, keyOfPeerId, type PeerId, PUBLIC_KEY_BYTES, peerIdOfKey } from '../../base/index.ts'

/** Identity multihash of a protobuf Ed25519 public key (libp2p specs, peer-ids). */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** A peer id as protocols carry it. Throws `ERR_INVALID_ARGUMENT` for text that is none. */
export function peerIdToBytes(peer: string): Uint8Array {
  return concatBytes(PREFIX, keyOfPeerId(peer))
}

/** `undefined` for anything but the id of an Ed25519 peer. */
export function peerIdOfBytes(bytes: Uint8Array): PeerId | undefined {
  const fits = bytes.byteLength === PREFIX.byteLength + PUBLIC_KEY_BYTES
  if (!fits || !PREFIX.every((byte, index) => bytes[index] === byte)) return undefined
  return peerIdOfKey(bytes.subarray(PREFIX.byteLength))
}
