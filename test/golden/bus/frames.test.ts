/** The bytes of docs/specs/bus.md. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HLC_STEPS_PER_MS, hexOf } from '../../../src/base/index.ts'
import {
  announceFrame,
  graftFrame,
  markFrame,
  parseAnnounce,
  parseMark,
  parsePrune,
  parseSpread,
  parseWants,
  pruneFrame,
  spreadFrame,
  wantFrame,
} from '../../../src/bus/dissemination/tree-frames.ts'
import { authoredEnvelope, envelopeFrame, parseAuthoredEnvelope } from '../../../src/bus/envelope.ts'
import { creditFrame, FRAME, FRAME_HEADER_BYTES, pingFrame, replyFrame } from '../../../src/bus/frames.ts'
import { acceptedFrame, helloFrame, refusedFrame } from '../../../src/bus/handshake.ts'
import { MESSAGE_TAG } from '../../../src/bus/seals.ts'
import { signer, verifier } from '../../../src/identity/index.ts'

const golden: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('frames.json', import.meta.url), 'utf8'),
)

const key = signer(new Uint8Array(32).fill(1))
const author = key.publicKey
const group = `space/${'ab'.repeat(32)}`
const prefix = '0123456789abcdef'
const id = `${prefix}0000000000000007`
const envelope = {
  kind: 'news',
  topic: `${group}/news`,
  id,
  priority: 'high',
  hlc: 1_700_000_000_000 * HLC_STEPS_PER_MS + 3,
  ttlMs: 30_000,
  trace: '',
  body: new Uint8Array(4).fill(9),
} as const
const signed = authoredEnvelope({ ...envelope, author })
const request = { ...envelope, topic: '', kind: 'count' }
const claim = { author, prefix, priority: 'high', head: 7, round: 0 } as const
const want = {
  author,
  prefix,
  ranges: [
    [3, 3],
    [5, 7],
  ],
} as const

const FRAMES: Readonly<Record<string, Uint8Array>> = {
  hello: helloFrame({ lane: 'normal', session: '0011223344556677', name: 'ada' }),
  accepted: acceptedFrame({ windowBytes: 262_144 }),
  refused: refusedFrame({ code: 'not-admitted', reason: 'not a member' }),
  message: envelopeFrame(FRAME.message, envelope),
  request: envelopeFrame(FRAME.request, request),
  'request once': envelopeFrame(FRAME.requestOnce, request),
  answer: replyFrame(FRAME.answer, id, new Uint8Array(2).fill(8)),
  cancel: replyFrame(FRAME.cancel, id),
  'credit of the bulk lane': creditFrame(65_536),
  'credit of a stream': creditFrame(65_536, id),
  ping: pingFrame(FRAME.ping, 5),
  spread: spreadFrame(2, key.sign(MESSAGE_TAG, signed), signed),
  announce: announceFrame(group, [claim]),
  graft: graftFrame(group, [want]),
  want: wantFrame(group, [want]),
  prune: pruneFrame(group),
  mark: markFrame({ group, prefix, count: 7 }),
}

for (const [name, bytes] of Object.entries(FRAMES)) {
  test(`${name} is written as it always was`, () => assert.equal(hexOf(bytes), golden[name]))
}

test('no vector is left over', () => assert.deepEqual(Object.keys(golden), Object.keys(FRAMES)))

test('what is written can be read', () => {
  const payload = (name: string): Uint8Array => FRAMES[name]!.subarray(FRAME_HEADER_BYTES)
  const spread = parseSpread(payload('spread'))!
  assert.equal(spread.round, 2)
  assert.ok(verifier().verify(author, MESSAGE_TAG, spread.envelope, spread.signature))
  assert.deepEqual(parseAuthoredEnvelope(spread.envelope), { ...envelope, author })
  assert.deepEqual(parseAnnounce(payload('announce')), { group, claims: [claim] })
  assert.deepEqual(parseWants(payload('graft')), { group, wants: [want] })
  assert.deepEqual(parseWants(payload('want')), { group, wants: [want] })
  assert.equal(parsePrune(payload('prune')), group)
  assert.deepEqual(parseMark(payload('mark')), { group, prefix, count: 7 })
})
