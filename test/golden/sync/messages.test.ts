/** The bytes of docs/specs/sync.md and docs/specs/join.md. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bytesOfHex, hexOf, type PeerId, peerIdOfKey, type RecordId, type SpaceId } from '../../../src/base/index.ts'
import { encodeForks, encodeForksRequest } from '../../../src/sync/fork-wire.ts'
import { encodeJoinAnswer, encodeJoinRequest, type JoinAnswer } from '../../../src/sync/join/join-wire.ts'
import { LogIndex } from '../../../src/sync/log-index.ts'
import {
  encodeRangeAnswer,
  encodeRangeRequest,
  encodeSinceAnswer,
  encodeSinceRequest,
} from '../../../src/sync/range-wire.ts'
import {
  encodeBodies,
  encodeBodiesRequest,
  encodeHave,
  encodeHaveRequest,
  encodeHello,
  encodeRec,
  encodeWant,
} from '../../../src/sync/wire.ts'

const golden: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('messages.json', import.meta.url), 'utf8'),
)

const space = 'ab'.repeat(32) as SpaceId
const device: PeerId = peerIdOfKey(new Uint8Array(32).fill(3))
const author: PeerId = peerIdOfKey(new Uint8Array(32).fill(4))
const log = '01aabbccddeeff01'
const id = `0102030405060708${'00'.repeat(24)}` as RecordId
const index = new LogIndex(
  [
    { author: device, log: '0000000000000001', base: 1, seq: 2, id },
    { author, log, base: 1, seq: 300, id },
    { author, log: '02aabbccddeeff01', base: 1, seq: 70_000, id },
  ],
  () => true,
)
const claim = { author, log, base: 1, seq: 300, shortId: '0102030405060708' }
const storeId = new Uint8Array(16).fill(5)
const { fingerprint } = index.summary('durable')
const joinAnswer = (answer: JoinAnswer): Uint8Array => encodeJoinAnswer(answer)

const MESSAGES: Readonly<Record<string, Uint8Array>> = {
  hello: encodeHello({
    space,
    storeId,
    position: 70_302,
    holds: {
      control: { ...index.summary('control'), keeps: 'bodies' },
      durable: { ...index.summary('durable'), keeps: 'bodies' },
      expiring: { ...index.summary('expiring'), keeps: 'headers' },
    },
    forks: { count: 1, fingerprint: new Uint8Array(32).fill(8) },
  }),
  'hello of an empty store, to a relay': encodeHello({
    space,
    storeId,
    position: 0,
    holds: { control: { ...new LogIndex([], () => true).summary('control'), keeps: 'bodies' } },
    forks: { count: 0, fingerprint: new Uint8Array(32) },
  }),
  'question by the cursor': encodeSinceRequest({ space, storeId, rid: 70_302 }),
  'news since the cursor': encodeSinceAnswer({ space, news: { claims: [claim], through: 70_310, more: false } }),
  'a cursor that means nothing': encodeSinceAnswer({ space, news: undefined }),
  'question about ranges': encodeRangeRequest({
    space,
    group: 'durable',
    nodes: [
      { prefix: '', parts: index.tree('durable').parts('') },
      { prefix: 'a3f', parts: undefined },
    ],
  }),
  'answer about ranges': encodeRangeAnswer({
    space,
    nodes: [{ prefix: '7', parts: index.tree('durable').parts('7') }],
    listed: ['a3f'],
    claims: [claim],
    rest: ['c'],
  }),
  'question for forks': encodeForksRequest({ space, after: { author, log } }),
  forks: encodeForks({
    space,
    forks: [
      {
        author,
        log,
        proof: {
          headerA: new Uint8Array(4).fill(1),
          signatureA: new Uint8Array(64).fill(2),
          headerB: new Uint8Array(4).fill(3),
          signatureB: new Uint8Array(64).fill(4),
        },
      },
    ],
    more: false,
  }),
  'question for have, first page of control': encodeHaveRequest({ space, group: 'control', after: undefined }),
  'question for have, next page of durable': encodeHaveRequest({ space, group: 'durable', after: { author, log } }),
  have: encodeHave({
    space,
    claims: [claim, { ...claim, log: '02aabbccddeeff01', seq: 70_000 }],
    more: true,
    fingerprint,
  }),
  news: encodeHave({ space, claims: [claim], more: false, fingerprint: undefined }),
  want: encodeWant({ space, want: 7, headersOnly: false, ranges: [{ author, log, from: 5, to: 300 }] }),
  'want of headers': encodeWant({ space, want: 8, headersOnly: true, ranges: [{ author, log, from: 5, to: 5 }] }),
  'question for bodies': encodeBodiesRequest({ space, ranges: [{ author, log, from: 5, to: 300 }] }),
  bodies: encodeBodies({ space, frames: bytesOfHex('80') }),
  rec: encodeRec({ space, want: 7, last: true, frames: bytesOfHex('80') }),
  'join request': encodeJoinRequest({
    space,
    inviteId: '11'.repeat(32),
    device,
    certificate: new Uint8Array(8).fill(6),
    name: 'bob',
    proof: new Uint8Array(64).fill(7),
  }),
  'join refused': joinAnswer({ is: 'refused', code: 'ERR_INVITE_USED', message: 'the ticket has been used' }),
  'join admitted': joinAnswer({ is: 'admitted', peers: [{ peer: author, addresses: ['/ip4/192.0.2.1/tcp/4001'] }] }),
  'join control': joinAnswer({ is: 'control', frames: bytesOfHex('80') }),
  'join end': joinAnswer({ is: 'end' }),
}

for (const [name, bytes] of Object.entries(MESSAGES)) {
  test(`${name} is encoded to the byte`, () => assert.equal(hexOf(bytes), golden[name]))
}
