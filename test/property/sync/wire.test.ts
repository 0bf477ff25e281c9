import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type PeerId, peerIdOfKey, type SpaceId } from '../../../src/base/index.ts'
import type { ForkProof } from '../../../src/records/index.ts'
import type { ClaimedFork, Forks, ForksRequest } from '../../../src/sync/fork-wire.ts'
import * as forkWire from '../../../src/sync/fork-wire.ts'
import { SyncError } from '../../../src/sync/index.ts'
import {
  decodeJoinAnswer,
  decodeJoinRequest,
  encodeJoinAnswer,
  encodeJoinRequest,
  type JoinAnswer,
} from '../../../src/sync/join/join-wire.ts'
import { PARTS_BYTES } from '../../../src/sync/range-tree.ts'
import type { RangeAnswer, RangeRequest, SinceAnswer, SinceNews, SinceRequest } from '../../../src/sync/range-wire.ts'
import * as rangeWire from '../../../src/sync/range-wire.ts'
import * as wire from '../../../src/sync/wire.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const hex = (length: number): fc.Arbitrary<string> => bytes(length).map((one) => Buffer.from(one).toString('hex'))
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>

const spaces = hex(32) as fc.Arbitrary<SpaceId>
const peers: fc.Arbitrary<PeerId> = bytes(32).map(peerIdOfKey)
const logs = fc.tuple(fc.constantFrom('00', '01', '02'), hex(7)).map(([first, rest]) => first + rest)
const uint = fc.nat({ max: 2 ** 31 - 1 })
const keeps = fc.constantFrom<wire.Keeping>('nothing', 'headers', 'bodies')
const empty = { fingerprint: new Uint8Array(32), logs: 0, records: 0 }
const holding = fc.oneof(
  record<wire.Holding>({ fingerprint: bytes(32), logs: uint.map((logs) => logs + 1), records: uint, keeps }),
  keeps.map((kept): wire.Holding => ({ ...empty, keeps: kept })),
)

const hellos = record<wire.Hello>({
  space: spaces,
  storeId: bytes(16),
  position: uint,
  holds: fc.record(
    { control: holding, durable: holding, expiring: holding },
    { requiredKeys: [], noNullPrototype: true },
  ),
  forks: fc.oneof(
    fc.constant(wire.NO_FORKS),
    record({ count: uint.map((count) => count + 1), fingerprint: bytes(32) }),
  ),
})
const refs = record({ author: peers, log: logs })
const haveRequests = record<wire.HaveRequest>({
  space: spaces,
  group: fc.constantFrom('control', 'durable', 'expiring'),
  after: fc.option(refs, { nil: undefined }),
})
const claims = fc.tuple(peers, logs, uint, uint, hex(8)).map(
  ([author, log, base, more, shortId]): wire.Claim => ({
    author,
    log,
    base: base + 1,
    seq: base + 1 + more,
    shortId,
  }),
)
const haves = record<wire.Have>({
  space: spaces,
  claims: fc.array(claims, { maxLength: 20 }),
  more: fc.boolean(),
  fingerprint: fc.option(bytes(32), { nil: undefined }),
})
const ranges = fc
  .tuple(peers, logs, uint, uint)
  .map(([author, log, from, more]): wire.Range => ({ author, log, from: from + 1, to: from + 1 + more }))
const wants = record<wire.Want>({
  space: spaces,
  want: uint,
  headersOnly: fc.boolean(),
  ranges: fc.array(ranges, { minLength: 1, maxLength: 9 }),
})
const recs = record<wire.Rec>({
  space: spaces,
  want: uint,
  last: fc.boolean(),
  frames: fc.uint8Array({ minLength: 1, maxLength: 99 }),
})
const joins = record({
  space: spaces,
  inviteId: hex(32),
  device: peers,
  certificate: fc.uint8Array({ minLength: 1, maxLength: 200 }),
  name: fc.string({ maxLength: 64 }),
  proof: bytes(64),
})
const answers: fc.Arbitrary<JoinAnswer> = fc.oneof(
  record({
    is: fc.constant('refused' as const),
    code: fc.string({ maxLength: 20 }),
    message: fc.string({ maxLength: 99 }),
  }),
  record({
    is: fc.constant('admitted' as const),
    peers: fc.array(record({ peer: peers, addresses: fc.array(fc.string({ maxLength: 30 }), { maxLength: 4 }) }), {
      maxLength: 4,
    }),
  }),
  record({ is: fc.constant('control' as const), frames: fc.uint8Array({ minLength: 1, maxLength: 50 }) }),
  record({ is: fc.constant('end' as const) }),
)

const prefixes = hex(8).chain((digits) => fc.nat(16).map((length) => digits.slice(0, length)))
const parts = bytes(PARTS_BYTES)
const claimLists = fc.array(claims, { maxLength: 9 })
const rangeRequests = record<RangeRequest>({
  space: spaces,
  group: fc.constantFrom('control', 'durable', 'expiring'),
  nodes: fc.array(record({ prefix: prefixes, parts: fc.option(parts, { nil: undefined }) }), {
    minLength: 1,
    maxLength: 9,
  }),
})
const rangeAnswers = record<RangeAnswer>({
  space: spaces,
  nodes: fc.array(record({ prefix: prefixes, parts }), { maxLength: 9 }),
  listed: fc.array(prefixes, { maxLength: 9 }),
  claims: claimLists.map(byAuthor),
  rest: fc.array(prefixes, { maxLength: 9 }),
})
const sinceRequests = record<SinceRequest>({ space: spaces, storeId: bytes(16), rid: uint })
const news = record<SinceNews>({ claims: claimLists.map(byAuthor), through: uint, more: fc.boolean() })
const sinceAnswers = record<SinceAnswer>({ space: spaces, news: fc.option(news, { nil: undefined }) })
const forksRequests = record<ForksRequest>({ space: spaces, after: fc.option(refs, { nil: undefined }) })
const headers = fc.uint8Array({ minLength: 1, maxLength: 199 })
const proofs = record<ForkProof>({ headerA: headers, signatureA: bytes(64), headerB: headers, signatureB: bytes(64) })
const forks = record<Forks>({
  space: spaces,
  forks: fc.array(record<ClaimedFork>({ author: peers, log: logs, proof: proofs }), { maxLength: 4 }),
  more: fc.boolean(),
})
const bodiesRequests = record<wire.BodiesRequest>({
  space: spaces,
  ranges: fc.array(ranges, { minLength: 1, maxLength: 9 }),
})
const bodies = record<wire.Bodies>({ space: spaces, frames: fc.uint8Array({ minLength: 1, maxLength: 99 }) })

/** Claims of one author travel together, so that its key is sent once. */
function byAuthor(list: readonly wire.Claim[]): readonly wire.Claim[] {
  return [...Map.groupBy(list, ({ author }) => author).values()].flat()
}

function reads<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): void {
  test(`${name} reads back what was written`, () => {
    fc.assert(fc.property(values, (value) => assert.deepEqual(decode(encode(value)), value)))
  })
  test(`${name} is refused in any other form, and by nothing but our own error`, () => {
    const damaged = fc
      .tuple(values, fc.nat(), fc.nat(255), fc.constantFrom('flip', 'cut', 'grow'))
      .map(([value, at, byte, how]) => {
        const encoded = encode(value).slice()
        if (how === 'cut') return encoded.subarray(0, at % encoded.length)
        if (how === 'grow') return new Uint8Array([...encoded, byte])
        encoded[at % encoded.length] = byte
        return encoded
      })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 80 })), (input) => {
        try {
          // What is read is written in one way only.
          assert.deepEqual(encode(decode(input)), input)
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          assert.ok(error instanceof SyncError, String(error))
          assert.ok(['ERR_SYNC_MALFORMED', 'ERR_SYNC_VERSION'].includes(error.code), error.code)
        }
      }),
      { numRuns: 500 },
    )
  })
}

reads('HELLO', hellos, wire.encodeHello, wire.decodeHello)
reads('a question for HAVE', haveRequests, wire.encodeHaveRequest, wire.decodeHaveRequest)
reads(
  'HAVE',
  haves.map((have) => ({ ...have, claims: byAuthor(have.claims) })),
  wire.encodeHave,
  wire.decodeHave,
)
reads('a question by the cursor', sinceRequests, rangeWire.encodeSinceRequest, rangeWire.decodeSinceRequest)
reads('its answer', sinceAnswers, rangeWire.encodeSinceAnswer, rangeWire.decodeSinceAnswer)
reads('a question about ranges', rangeRequests, rangeWire.encodeRangeRequest, rangeWire.decodeRangeRequest)
reads('an answer about ranges', rangeAnswers, rangeWire.encodeRangeAnswer, rangeWire.decodeRangeAnswer)
reads('a question for forks', forksRequests, forkWire.encodeForksRequest, forkWire.decodeForksRequest)
reads('forks', forks, forkWire.encodeForks, forkWire.decodeForks)
reads('a question for bodies', bodiesRequests, wire.encodeBodiesRequest, wire.decodeBodiesRequest)
reads('bodies', bodies, wire.encodeBodies, wire.decodeBodies)
reads('WANT', wants, wire.encodeWant, wire.decodeWant)
reads('REC', recs, wire.encodeRec, wire.decodeRec)
reads('a join request', joins, encodeJoinRequest, decodeJoinRequest)
reads('a join answer', answers, encodeJoinAnswer, decodeJoinAnswer)
