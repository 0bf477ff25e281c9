import { hexOf, keyOfPeerId, type PeerId, peerIdOfKey } from '../base/index.ts'

const KNOWN_MAX = 4_096

/** Base58 of a key takes longer than all else in reading a claim, and few authors stand behind many claims. */
const keys = new Map<PeerId, Uint8Array>()
const peers = new Map<string, PeerId>()

/** As `keyOfPeerId`; the bytes are shared and not to be changed. */
export function keyOf(peer: PeerId): Uint8Array {
  return remembered(keys, peer, () => keyOfPeerId(peer))
}

/** As `peerIdOfKey`. */
export function peerOf(key: Uint8Array): PeerId {
  return remembered(peers, hexOf(key), () => peerIdOfKey(key))
}

function remembered<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key)
  if (found !== undefined) return found
  if (known.size >= KNOWN_MAX) known.clear()
  const made = make()
  known.set(key, made)
  return made
}
