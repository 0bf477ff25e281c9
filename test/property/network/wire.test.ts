import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type PeerId, peerIdOfKey } from '../../../src/base/index.ts'
import { NetworkError } from '../../../src/network/index.ts'
import {
  decodeHopAnswer,
  decodeHopRequest,
  decodeStopAnswer,
  encodeHopAnswer,
  encodeHopRequest,
} from '../../../src/network/relay/circuit-messages.ts'
import { encodeProtobuf, type ProtobufField, ProtobufFields } from '../../../src/network/wire/protobuf.ts'

const peer: fc.Arbitrary<PeerId> = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((key) => peerIdOfKey(key))

const bytes = fc.uint8Array({ maxLength: 40 })
const fields: fc.Arbitrary<ProtobufField[]> = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 500 }), fc.oneof(fc.maxSafeNat(), bytes)),
  { maxLength: 6 },
)

/** Bytes that begin well more often than chance would have it. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(fields, bytes).map(([list, tail]) => Uint8Array.from([...encodeProtobuf(list), ...tail])),
)

function refuses(body: () => void): void {
  try {
    body()
  } catch (error) {
    assert.ok(error instanceof NetworkError && error.code === 'ERR_MALFORMED_MESSAGE', String(error))
  }
}

describe('messages of relays', () => {
  test('hostile bytes are refused or read, never more', () => {
    fc.assert(
      fc.property(hostile, (input) => {
        for (const decode of [decodeHopRequest, decodeHopAnswer, decodeStopAnswer]) refuses(() => void decode(input))
      }),
      { numRuns: 2_000 },
    )
  })

  test('fields survive', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), bytes, fc.integer({ min: 1, max: 500 }), (number, value, field) => {
        const written: ProtobufField[] = [
          [field, number],
          [field + 1, value],
        ]
        const read = new ProtobufFields(encodeProtobuf(written))
        assert.equal(read.number(field), number)
        assert.deepEqual([...(read.bytes(field + 1) ?? [])], [...value])
      }),
    )
  })

  test('requests and answers survive', () => {
    fc.assert(
      fc.property(peer, fc.maxSafeNat(), fc.nat(), (target, number, status) => {
        assert.deepEqual(decodeHopRequest(encodeHopRequest({ is: 'connect', peer: target })), {
          is: 'connect',
          peer: target,
        })
        const answer = { status, reservation: { expires: number }, limit: { seconds: status, bytes: number } }
        assert.deepEqual(decodeHopAnswer(encodeHopAnswer(answer)), answer)
      }),
    )
  })
})
