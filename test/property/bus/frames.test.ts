import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PeerId } from '../../../src/base/index.ts'
import { parseEnvelope } from '../../../src/bus/envelope.ts'
import { FrameParser } from '../../../src/bus/frame-parser.ts'
import { frame, parseCredit } from '../../../src/bus/frames.ts'
import { parseAccepted, parseHello, parseRefusal } from '../../../src/bus/handshake.ts'
import { parseIntroductions } from '../../../src/bus/introductions.ts'

const frames = fc.array(fc.record({ type: fc.nat(255), payload: fc.uint8Array({ maxLength: 600 }) }), { maxLength: 20 })
const cuts = fc.array(fc.nat(2000), { maxLength: 40 })

function parseIn(
  bytes: Uint8Array,
  sizes: readonly number[],
  maxFrameBytes: number,
): { seen: string[]; fault: string | undefined } {
  const parser = new FrameParser({ maxFrameBytes })
  const seen: string[] = []
  let at = 0
  for (const size of [...sizes, bytes.byteLength]) {
    const fault = parser.push(bytes.subarray(at, at + size), (type, payload) => {
      seen.push(`${type}:${payload.toString('hex')}`)
      return undefined
    })
    assert.ok(parser.pendingBytes <= maxFrameBytes)
    if (fault !== undefined) return { seen, fault }
    at = Math.min(bytes.byteLength, at + size)
  }
  return { seen, fault: undefined }
}

test('however a stream of frames is chunked, the same frames come out', () => {
  fc.assert(
    fc.property(frames, cuts, (list, sizes) => {
      const bytes = Buffer.concat(list.map(({ type, payload }) => frame(type, payload)))
      const expected = list.map(({ type, payload }) => `${type}:${Buffer.from(payload).toString('hex')}`)
      assert.deepEqual(parseIn(bytes, sizes, 4096), { seen: expected, fault: undefined })
    }),
  )
})

test('garbage parses the same in every chunking, throws nothing and keeps no more than a frame', () => {
  const length = fc.oneof(fc.nat(80), fc.nat(0xffffffff))
  const noise = fc.array(fc.tuple(length, fc.uint8Array({ maxLength: 60 })), { maxLength: 8 }).map((list) =>
    Buffer.concat(
      list.map(([claimed, rest]) => {
        const head = Buffer.alloc(4)
        head.writeUInt32BE(claimed)
        return Buffer.concat([head, rest])
      }),
    ),
  )
  fc.assert(
    fc.property(noise, cuts, (bytes, sizes) => {
      const whole = parseIn(bytes, [], 64)
      const pieces = parseIn(bytes, sizes, 64)
      assert.deepEqual(pieces.seen, whole.seen)
    }),
  )
})

test('no payload makes a decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      parseEnvelope(bytes, 'p' as PeerId)
      parseHello(bytes)
      parseAccepted(bytes)
      parseRefusal(bytes)
      parseIntroductions(bytes)
      parseCredit(Buffer.from(bytes))
    }),
  )
})
