import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bytesOfHex, hexOf, type SpaceId } from '../../../src/base/index.ts'
import { identityFromSeeds } from '../../../src/identity/index.ts'
import { BodySealing } from '../../../src/space/keys/body-sealing.ts'
import { boxOf, epochKey, openKeyBox, openPrevious, sealPrevious } from '../../../src/space/keys/epoch-key.ts'

/** All values are hexadecimal. */
interface Vectors {
  readonly space: string
  readonly epoch: { readonly n: number; readonly key: string; readonly id: string }
  readonly older: { readonly n: number; readonly key: string; readonly id: string; readonly sealed: string }
  readonly box: {
    readonly author: string
    readonly device: string
    readonly sealingSeed: string
    readonly sealingKey: string
    readonly ephemeralSeed: string
    readonly box: string
  }
  readonly body: {
    readonly device: string
    readonly log: string
    readonly seq: number
    readonly nonce: string
    readonly plain: string
    readonly sealed: string
  }
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('encryption.json', import.meta.url), 'utf8'))
const SPACE = bytesOfHex(vectors.space)
const EPOCH = epochKey(SPACE, vectors.epoch.n, bytesOfHex(vectors.epoch.key))
const OLDER = epochKey(SPACE, vectors.older.n, bytesOfHex(vectors.older.key))

test('a key has this name', () => {
  assert.deepEqual([EPOCH.id, OLDER.id], [vectors.epoch.id, vectors.older.id])
})

test('a box has these bytes', () => {
  const { author, device, sealingSeed, sealingKey, ephemeralSeed, box } = vectors.box
  const place = { space: SPACE, author: bytesOfHex(author), device: bytesOfHex(device) }
  assert.equal(hexOf(boxOf(EPOCH, place, bytesOfHex(sealingKey), bytesOfHex(ephemeralSeed))), box)
  const seed = bytesOfHex(sealingSeed)
  const identity = identityFromSeeds({ device: seed, principal: seed, sealing: seed }, { name: 'golden' })
  assert.equal(hexOf(openKeyBox(identity, place, EPOCH, bytesOfHex(box))?.key ?? seed), vectors.epoch.key)
})

test('an older key is sealed into these bytes', () => {
  assert.equal(hexOf(sealPrevious(SPACE, EPOCH, OLDER)), vectors.older.sealed)
  const opened = openPrevious(SPACE, EPOCH, OLDER, bytesOfHex(vectors.older.sealed))
  assert.equal(hexOf(opened?.key ?? SPACE), vectors.older.key)
})

test('a body is sealed into these bytes', () => {
  const { device, log, seq, nonce, plain, sealed } = vectors.body
  const place = { space: vectors.space as SpaceId, device: bytesOfHex(device), log: bytesOfHex(log), seq }
  assert.equal(hexOf(new BodySealing().seal(EPOCH, place, bytesOfHex(nonce), bytesOfHex(plain))), sealed)
  assert.equal(hexOf(new BodySealing().open(EPOCH, place, bytesOfHex(sealed)) ?? SPACE), plain)
})
