/** The bytes of docs/specs/records.md section 9: two headers for one place, and the one proof that comes of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { bytesOfHex, hexOf } from '../../../src/base/index.ts'
import { signer, verifier } from '../../../src/identity/index.ts'
import { forkClaimOf, forkProofOf, isProven } from '../../../src/records/fork-proof.ts'
import {
  decodeForkProof,
  decodeHeader,
  encodeForkProof,
  recordIdBytes,
  signHeader,
} from '../../../src/records/index.ts'

interface Side {
  /** Bytes as hexadecimal digits. */
  readonly header: string
  readonly id: string
  readonly signature: string
}

interface Fixture {
  readonly seed: string
  readonly lower: Side
  readonly higher: Side
  readonly proof: string
  readonly seq: number
  readonly prev: string
}

const FILE = new URL('./fork-proof.json', import.meta.url)
const { seed, lower, higher, proof, seq, prev } = JSON.parse(readFileSync(FILE, 'utf8')) as Fixture

const signedOf = ({ header, signature }: Side) => ({ header: bytesOfHex(header), signature: bytesOfHex(signature) })

describe('the golden proof of a fork', () => {
  it('has the headers, ids and signatures that its key makes', () => {
    const key = signer(bytesOfHex(seed))
    for (const { header, id, signature } of [lower, higher]) {
      assert.equal(hexOf(recordIdBytes(bytesOfHex(header))), id)
      assert.equal(hexOf(signHeader(key, bytesOfHex(header))), signature)
      assert.equal(decodeHeader(bytesOfHex(header)).seq, seq)
    }
    assert.ok(lower.id < higher.id)
  })

  it('has the lower id first, whichever was seen first', () => {
    for (const [one, other] of [
      [lower, higher],
      [higher, lower],
    ] as const) {
      assert.equal(hexOf(encodeForkProof(forkProofOf(signedOf(one), signedOf(other)))), proof)
    }
  })

  it('says where the log forked, and proves it', () => {
    const read = decodeForkProof(bytesOfHex(proof))
    const claim = forkClaimOf(read)
    assert.ok(claim !== undefined && isProven(claim, read, verifier()))
    assert.deepEqual([claim.seq, hexOf(claim.prev ?? new Uint8Array())], [seq, prev])
  })

  it('is refused when it is cut, longer, or no array of four', () => {
    const bytes = bytesOfHex(proof)
    const code = { code: 'ERR_RECORD_MALFORMED' }
    assert.throws(() => decodeForkProof(bytes.subarray(0, -1)), code)
    assert.throws(() => decodeForkProof(Uint8Array.of(0x83, ...bytes.subarray(1))), code)
    assert.throws(() => decodeForkProof(new Uint8Array(1000)), { code: 'ERR_RECORD_TOO_LARGE' })
  })
})
