import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '../../../src/base/index.ts'
import { FrameGuard } from '../../../src/network/adapters/libp2p/frame-guard.ts'

const LIMIT = 64

interface Frame {
  readonly type: number
  readonly length: number
}

function encode({ type, length }: Frame): Uint8Array {
  const header = new DataView(new ArrayBuffer(12))
  header.setUint8(1, type)
  header.setUint32(8, length)
  return concatBytes(
    new Uint8Array(header.buffer),
    new Uint8Array(type === 0 ? Math.min(length, 2 * LIMIT) : 0).fill(7),
  )
}

test('the verdict depends on the frames alone, not on how the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.integer({ min: 0, max: 3 }), length: fc.integer({ min: 0, max: LIMIT + 3 }) })),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, cuts) => {
        const stream = concatBytes(...frames.map(encode))
        const guard = new FrameGuard(LIMIT)
        let accepted = true
        for (let at = 0, cut = 0; accepted && at < stream.byteLength; cut++) {
          const size = cuts[cut % cuts.length] ?? 1
          accepted = guard.accepts(stream.subarray(at, at + size))
          at += size
        }
        assert.equal(accepted, !frames.some(({ type, length }) => type === 0 && length > LIMIT))
      },
    ),
  )
})

test('no input makes it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
      const guard = new FrameGuard(LIMIT)
      for (const chunk of chunks) guard.accepts(chunk)
    }),
  )
})
