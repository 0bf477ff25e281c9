/** The bytes of docs/specs/sync.md and docs/specs/join.md. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bytesOfHex, hexOf, type PeerId, peerIdOfKey, type RecordId, type SpaceId } from '../../../src/base/index.ts'
import { encodeJoinAnswer, encodeJoinRequest, type JoinAnswer } from '../../../src/sync/join/join-wire.ts'
import { LogIndex } from '../../../src/sync/log-index.ts'
import { encodeHave, encodeHaveRequest, encodeHello, encodeRec, encodeWant } from '../../../src/sync/wire.ts'

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
const joinAnswer = (answer: JoinAnswer): Uint8Array => encodeJoinAnswer(answer)

const MESSAGES: Readonly<Record<string, Uint8Array>> = {
  hello: encodeHello({
    space,
    storeId: new Uint8Array(16).fill(5),
    control: index.summary('control'),
    data: index.summary('data'),
  }),
  'hello of an empty store': encodeHello({
    space,
    storeId: new Uint8Array(16).fill(5),
    control: new LogIndex([], () => true).summary('control'),
    data: new LogIndex([], () => true).summary('data'),
  }),
  'question for have, first page of control': encodeHaveRequest({ space, group: 'control', after: undefined }),
  'question for have, next page of data': encodeHaveRequest({ space, group: 'data', after: { author, log } }),
  have: encodeHave({ space, claims: [claim, { ...claim, log: '02aabbccddeeff01', seq: 70_000 }], more: true }),
  want: encodeWant({ space, want: 7, ranges: [{ author, log, from: 5, to: 300 }] }),
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
