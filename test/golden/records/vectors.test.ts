/** The bytes of docs/specs/records.md section 9: fixed keys, salts and times, and what must come of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { bytesOfHex, encodeCbor, hexOf } from '../../../src/base/index.ts'
import { signer, verifier } from '../../../src/identity/index.ts'
import {
  type BodyMap,
  bodyHashOf,
  decodeBody,
  decodeFrame,
  decodeFrames,
  decodeHeader,
  encodeFrame,
  encodeFrames,
  encodeHeader,
  type Header,
  isSignedBy,
  recordIdBytes,
  signHeader,
} from '../../../src/records/index.ts'

interface Vector {
  readonly name: string
  readonly seed: string
  /** Bytes as hexadecimal digits. */
  readonly fields: Readonly<Record<keyof Header, number | string>>
  readonly salt: string
  /** Byte strings stand as `{ "hex": "..." }`. */
  readonly map: Readonly<Record<string, unknown>>
  readonly erased: boolean
  readonly publicKey: string
  readonly body: string
  readonly header: string
  readonly id: string
  readonly signature: string
  readonly frame: string
}

interface Fixture {
  readonly records: readonly Vector[]
  readonly batch: string
  readonly refused: readonly { readonly name: string; readonly code: string; readonly header: string }[]
}

const FILE = new URL('./vectors.json', import.meta.url)
const fixture = JSON.parse(readFileSync(FILE, 'utf8')) as Fixture

const headerOf = (fields: Vector['fields']): Header =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? bytesOfHex(value) : value]),
  ) as unknown as Header

const mapOf = (map: Vector['map']): BodyMap =>
  JSON.parse(JSON.stringify(map), (_key, value) => (typeof value?.hex === 'string' ? bytesOfHex(value.hex) : value))

describe('golden records', () => {
  for (const vector of fixture.records) {
    it(vector.name, () => {
      const key = signer(bytesOfHex(vector.seed))
      assert.equal(hexOf(key.publicKey), vector.publicKey)
      const body = Buffer.concat([bytesOfHex(vector.salt), encodeCbor(mapOf(vector.map))])
      assert.equal(hexOf(body), vector.body)
      const header = headerOf(vector.fields)
      assert.equal(hexOf(bodyHashOf(body)), vector.fields.bodyHash)
      assert.equal(body.length, vector.fields.bodyLen)
      const encoded = encodeHeader(header)
      assert.equal(hexOf(encoded), vector.header)
      assert.equal(hexOf(recordIdBytes(encoded)), vector.id)
      assert.equal(hexOf(signHeader(key, encoded)), vector.signature)
      const frame = { header: encoded, signature: bytesOfHex(vector.signature), body: vector.erased ? null : body }
      assert.equal(hexOf(encodeFrame(frame)), vector.frame)
    })

    it(`${vector.name}, read back`, () => {
      const { header, signature, body } = decodeFrame(bytesOfHex(vector.frame))
      assert.deepEqual(decodeHeader(header), headerOf(vector.fields))
      assert.ok(isSignedBy(verifier(), bytesOfHex(vector.publicKey), header, signature))
      assert.deepEqual(body === null ? null : decodeBody(body), vector.erased ? null : mapOf(vector.map))
    })
  }

  it('a batch of them', () => {
    const frames = fixture.records.map(({ frame }) => decodeFrame(bytesOfHex(frame)))
    assert.equal(hexOf(encodeFrames(frames)), fixture.batch)
    assert.deepEqual(decodeFrames(bytesOfHex(fixture.batch)), frames)
  })

  for (const { name, code, header } of fixture.refused) {
    it(`is refused: ${name}`, () => {
      assert.throws(() => decodeHeader(bytesOfHex(header)), { code })
    })
  }
})
