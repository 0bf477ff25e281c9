import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes } from '../../../src/base/index.ts'
import { FrameGuard } from '../../../src/network/adapters/libp2p/frame-guard.ts'

const DATA = 0
const WINDOW_UPDATE = 1

/** A yamux frame; only data frames have a body. */
function frame(type: number, length: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(12))
  header.setUint8(1, type)
  header.setUint32(4, 1)
  header.setUint32(8, length)
  return concatBytes(new Uint8Array(header.buffer), new Uint8Array(type === DATA ? length : 0).fill(255))
}

describe('the frame guard', () => {
  test('accepts frames up to the limit, however they are cut', () => {
    const stream = concatBytes(frame(DATA, 100), frame(WINDOW_UPDATE, 5_000_000), frame(DATA, 0), frame(DATA, 99))
    for (const size of [1, 2, 11, 12, 13, 100, stream.byteLength]) {
      const guard = new FrameGuard(100)
      for (let at = 0; at < stream.byteLength; at += size) assert.ok(guard.accepts(stream.subarray(at, at + size)))
    }
  })

  test('refuses a longer one as soon as its header is there', () => {
    const long = frame(DATA, 101).subarray(0, 12)
    const guard = new FrameGuard(100)
    assert.ok(guard.accepts(frame(DATA, 100)))
    assert.ok(guard.accepts(long.subarray(0, 11)))
    assert.equal(guard.accepts(long.subarray(11)), false)
  })

  test('reads lengths without sign', () => {
    assert.equal(new FrameGuard(1024).accepts(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255)), false)
  })
})
