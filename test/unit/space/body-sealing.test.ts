import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type SpaceId, utf8 } from '../../../src/base/index.ts'
import type { CipherPlace } from '../../../src/records/index.ts'
import { BodySealing, keyIdOfBody, SEALED_OVERHEAD_BYTES } from '../../../src/space/keys/body-sealing.ts'
import { type EpochKey, epochKey, openPrevious, sealPrevious } from '../../../src/space/keys/epoch-key.ts'

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const SPACE = bytes(32, 1)
const PLACE: CipherPlace = { space: '01'.repeat(32) as SpaceId, device: bytes(32, 2), log: bytes(8, 3), seq: 4 }
const NONCE = bytes(12, 5)
const PLAIN = utf8('what only members may read')
const EPOCH = epochKey(SPACE, 7, bytes(32, 6))

function opened(epoch: EpochKey, place: CipherPlace, body: Uint8Array): Uint8Array | undefined {
  return new BodySealing().open(epoch, place, body)
}

suite('sealed bodies', () => {
  const sealed = new BodySealing().seal(EPOCH, PLACE, NONCE, PLAIN)

  test('open to what was sealed, and name their key', () => {
    assert.equal(sealed.length, PLAIN.length + SEALED_OVERHEAD_BYTES)
    assert.deepEqual(opened(EPOCH, PLACE, sealed), Buffer.from(PLAIN))
    assert.equal(keyIdOfBody(sealed), EPOCH.id)
    assert.equal(keyIdOfBody(sealed.subarray(0, SEALED_OVERHEAD_BYTES - 1)), undefined)
  })

  test('open at their place alone', () => {
    const places: readonly Partial<CipherPlace>[] = [
      { space: '02'.repeat(32) as SpaceId },
      { device: bytes(32, 9) },
      { log: bytes(8, 9) },
      { seq: 5 },
      { seq: 4 + 2 ** 32 },
    ]
    for (const change of places) assert.equal(opened(EPOCH, { ...PLACE, ...change }, sealed), undefined)
    assert.equal(opened({ ...EPOCH, n: 8 }, PLACE, sealed), undefined, 'another epoch')
    assert.equal(opened({ ...EPOCH, key: bytes(32, 9) }, PLACE, sealed), undefined, 'another key')
  })

  test('do not open when any byte was changed after the name of the key, nor when one is missing', () => {
    for (let at = 16; at < sealed.length; at++) {
      const changed = sealed.slice()
      changed[at] = (changed[at] ?? 0) ^ 0x80
      assert.equal(opened(EPOCH, PLACE, changed), undefined, `byte ${at}`)
    }
    for (let length = 0; length < sealed.length; length++)
      assert.equal(opened(EPOCH, PLACE, sealed.subarray(0, length)), undefined)
  })

  test('of an empty content open as well', () => {
    const empty = new BodySealing().seal(EPOCH, PLACE, NONCE, new Uint8Array(0))
    assert.equal(opened(EPOCH, PLACE, empty)?.length, 0)
  })

  test('of two logs are sealed under two keys, so that one nonce for both gives nothing away', () => {
    const other = new BodySealing().seal(EPOCH, { ...PLACE, log: bytes(8, 9) }, NONCE, PLAIN)
    const [a, b] = [sealed, other].map((body) => body.subarray(28, 28 + PLAIN.length))
    assert.notDeepEqual(a, b)
  })
})

suite('names of keys', () => {
  test('stand for space, number and key', () => {
    const { id } = EPOCH
    assert.notEqual(epochKey(bytes(32, 9), 7, EPOCH.key).id, id)
    assert.notEqual(epochKey(SPACE, 8, EPOCH.key).id, id)
    assert.notEqual(epochKey(SPACE, 7, bytes(32, 9)).id, id)
  })

  test('tell an older key that is sealed under a newer one from anything else', () => {
    const older = epochKey(SPACE, 6, bytes(32, 8))
    const sealed = sealPrevious(SPACE, EPOCH, older)
    assert.deepEqual(openPrevious(SPACE, EPOCH, older, sealed), { ...older, key: Buffer.from(older.key) })
    assert.equal(openPrevious(SPACE, EPOCH, { ...older, n: 5 }, sealed), undefined, 'a false number')
    assert.equal(openPrevious(SPACE, older, EPOCH, sealed), undefined, 'the other way round')
    assert.equal(openPrevious(bytes(32, 9), EPOCH, older, sealed), undefined, 'another space')
    const posed = sealPrevious(SPACE, EPOCH, { ...older, key: bytes(32, 9) })
    assert.equal(openPrevious(SPACE, EPOCH, older, posed), undefined, 'another key under that name')
  })
})
