import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hexOf, type PeerId, seededRandom } from '../../../src/base/index.ts'
import { Allowance } from '../../../src/bus/allowance.ts'
import { FRAME_HEADER_BYTES } from '../../../src/bus/frames.ts'
import { parseLinks, parseProbe } from '../../../src/bus/presence/presence-frames.ts'
import { parcelBytes, parseRelay, parseRelayRefused, relayFrame } from '../../../src/bus/routing/parcel.ts'
import { ParcelMemory, ParcelNumbers } from '../../../src/bus/routing/parcel-numbers.ts'
import { PRIORITIES } from '../../../src/bus/types.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const parcel = fc.record({
  to: bytes(32),
  author: bytes(32),
  id: bytes(16).map(hexOf),
  priority: fc.constantFrom(...PRIORITIES),
  hlc: fc.maxSafeNat(),
  ttlMs: fc.integer({ min: 0, max: 3_600_000 }),
  sealed: fc.uint8Array({ maxLength: 300 }),
})

test('a parcel is read as it was written, and carries the very bytes that were signed', () => {
  fc.assert(
    fc.property(parcel, bytes(64), (written, signature) => {
      const signed = parcelBytes(written)
      const read = parseRelay(relayFrame(signature, signed).subarray(FRAME_HEADER_BYTES))
      assert.ok(read !== undefined)
      const { signature: seen, signed: same, ...fields } = read
      assert.deepEqual(fields, { ...written })
      assert.deepEqual([Uint8Array.from(seen), Uint8Array.from(same)], [signature, Uint8Array.from(signed)])
    }),
  )
})

test('any bytes are read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (junk) => {
      for (const parse of [parseRelay, parseRelayRefused, parseProbe, parseLinks]) parse(junk)
    }),
  )
})

test('each number of a run is taken once, in whatever order they come', () => {
  const [author, to] = ['author' as PeerId, 'to' as PeerId]
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 100 }), fc.integer(), (order, seed) => {
      const numbers = new ParcelNumbers(seededRandom(seed))
      const ids = Array.from({ length: 41 }, () => numbers.next(to))
      assert.equal(new Set(ids).size, ids.length)
      const memory = new ParcelMemory()
      const taken = new Set<number>()
      for (const index of order) {
        assert.equal(memory.take(author, ids[index] as string), !taken.has(index))
        taken.add(index)
      }
    }),
  )
})

test('nobody uses more than the burst and what has come since', () => {
  const [burst, perSecond, peer] = [10, 4, 'peer' as PeerId]
  const steps = fc.array(fc.record({ afterMs: fc.nat(2_000), amount: fc.integer({ min: 1, max: 12 }) }), {
    maxLength: 50,
  })
  fc.assert(
    fc.property(steps, (all) => {
      const allowance = new Allowance({ burst, perSecond })
      let now = 0
      let used = 0
      for (const { afterMs, amount } of all) {
        now += afterMs
        if (allowance.spend(peer, amount, now)) used += amount
        assert.ok(used <= burst + (now / 1000) * perSecond + 1e-6)
      }
    }),
  )
})
