/** Every space is encrypted, under one key: what sealing and opening cost, without anybody to give keys to. */
import { systemRandom } from '../../src/base/index.ts'
import type { BodyCipher } from '../../src/records/index.ts'
import { BODY_NONCE_BYTES, BodySealing } from '../../src/space/keys/body-sealing.ts'
import { epochKey } from '../../src/space/keys/epoch-key.ts'

const EPOCH = epochKey(new Uint8Array(32), 1, new Uint8Array(32).fill(7))

export function oneKey(): BodyCipher {
  const sealing = new BodySealing()
  const random = systemRandom()
  return {
    isEncrypted: () => true,
    seal: (place, plain) => ({ epoch: 1, body: sealing.seal(EPOCH, place, random.bytes(BODY_NONCE_BYTES), plain) }),
    open: (place, _epoch, body) => sealing.open(EPOCH, place, body),
    takeNewEpochs: () => [],
  }
}
