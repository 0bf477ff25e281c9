import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCbor, type PeerId } from '../../../src/base/index.ts'
import { envelopeFrame } from '../../../src/bus/envelope.ts'
import { FrameParser } from '../../../src/bus/frame-parser.ts'
import {
  creditFrame,
  FRAME,
  frame,
  idOf,
  parseCredit,
  parseToken,
  pingFrame,
  replyFrame,
} from '../../../src/bus/frames.ts'
import {
  acceptedFrame,
  helloFrame,
  parseAccepted,
  parseHello,
  parseRefusal,
  refusedFrame,
} from '../../../src/bus/handshake.ts'
import type { Message } from '../../../src/bus/index.ts'
import { introductionsFrame } from '../../../src/bus/introductions.ts'

const ID = '000102030405060708090a0b0c0d0e0f'

function parse(bytes: Uint8Array, maxFrameBytes = 1024): { frames: [number, string][]; fault: string | undefined } {
  const frames: [number, string][] = []
  const parser = new FrameParser({ maxFrameBytes })
  const fault = parser.push(bytes, (type, payload) => {
    frames.push([type, payload.toString('hex')])
    return undefined
  })
  return { frames, fault }
}

const payloadOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes).subarray(5)

test('a frame is a length, a type and its payload', () => {
  assert.equal(Buffer.from(frame(FRAME.ping, Uint8Array.of(1, 2, 3, 4))).toString('hex'), '000000050c01020304')
})

test('frames in one chunk come out in order', () => {
  const bytes = Buffer.concat([frame(4, Uint8Array.of(1)), frame(5), frame(6, Uint8Array.of(2, 3))])
  assert.deepEqual(parse(bytes).frames, [
    [4, '01'],
    [5, ''],
    [6, '0203'],
  ])
})

test('frames that arrive byte by byte come out the same', () => {
  const bytes = Buffer.concat([frame(4, Uint8Array.of(1)), frame(5), frame(6, new Uint8Array(300))])
  const seen: number[] = []
  const parser = new FrameParser({ maxFrameBytes: 1024 })
  for (const byte of bytes) {
    const fault = parser.push(Uint8Array.of(byte), (type, payload) => {
      seen.push(type, payload.byteLength)
      return undefined
    })
    assert.equal(fault, undefined)
  }
  assert.deepEqual(seen, [4, 1, 5, 0, 6, 300])
  assert.equal(parser.pendingBytes, 0)
})

test('a length of zero or beyond the bound is malformed, whole or in pieces', () => {
  for (const length of ['00000000', '00000401', 'ffffffff']) {
    const bytes = Buffer.from(`${length}0401`, 'hex')
    assert.match(parse(bytes).fault ?? '', /claims/)
    const parser = new FrameParser({ maxFrameBytes: 1024 })
    assert.equal(
      parser.push(bytes.subarray(0, 2), () => undefined),
      undefined,
    )
    assert.match(parser.push(bytes.subarray(2), () => undefined) ?? '', /claims/)
  }
})

test('memory follows what arrived and not what a length claims', () => {
  const parser = new FrameParser({ maxFrameBytes: 1 << 30 })
  assert.equal(
    parser.push(Buffer.from('3fffff0004', 'hex'), () => undefined),
    undefined,
  )
  assert.equal(parser.pendingBytes, 5)
})

test('a sink that finds a fault stops the parsing', () => {
  const parser = new FrameParser({ maxFrameBytes: 1024 })
  let calls = 0
  const fault = parser.push(Buffer.concat([frame(4), frame(5)]), () => {
    calls++
    return 'no'
  })
  assert.equal(fault, 'no')
  assert.equal(calls, 1)
})

test('credit, heartbeat and reply frames come back as they were', () => {
  assert.deepEqual(parseCredit(payloadOf(creditFrame(70_000))), { bytes: 70_000, stream: undefined })
  assert.deepEqual(parseCredit(payloadOf(creditFrame(1, ID))), { bytes: 1, stream: ID })
  assert.equal(parseCredit(Buffer.alloc(5)), undefined)
  assert.equal(parseToken(payloadOf(pingFrame(FRAME.ping, 0xfffffffe))), 0xfffffffe)
  assert.equal(parseToken(Buffer.alloc(3)), undefined)
  assert.equal(idOf(payloadOf(replyFrame(FRAME.answer, ID, Uint8Array.of(9)))), ID)
  assert.equal(idOf(Buffer.alloc(15)), undefined)
})

test('the handshake frames come back as they were', () => {
  const hello = { lane: 'bulk', session: '0011223344556677', name: 'Ada' } as const
  assert.deepEqual(parseHello(payloadOf(helloFrame(hello))), hello)
  assert.deepEqual(parseAccepted(payloadOf(acceptedFrame({ windowBytes: 4096 }))), { windowBytes: 4096 })
  const refusal = { code: 'not-admitted', reason: 'no space in common' } as const
  assert.deepEqual(parseRefusal(payloadOf(refusedFrame(refusal))), refusal)
})

test('the bytes of the protocol stay as they are', () => {
  const message: Message = {
    kind: 'k',
    topic: 'a.b',
    id: ID,
    from: 'unused' as PeerId,
    priority: 'high',
    hlc: 1_700_000_000_000 * 1024,
    ttlMs: 30_000,
    trace: '',
    body: Uint8Array.of(1, 2),
  }
  const peer = '12D3KooWx' as PeerId
  const frames: readonly (readonly [bytes: Uint8Array, hex: string])[] = [
    [
      helloFrame({ lane: 'bulk', session: '0011223344556677', name: 'Ada' }),
      '000000110184010348001122334455667763416461',
    ],
    [acceptedFrame({ windowBytes: 262_144 }), '0000000702811a00040000'],
    [refusedFrame({ code: 'not-admitted', reason: 'no' }), '0000001203826c6e6f742d61646d6974746564626e6f'],
    [
      envelopeFrame(FRAME.message, message),
      '0000002c048a01616b63612e6250000102030405060708090a0b0c0d0e0f40011b00062f3f95a0000019753060420102',
    ],
    [replyFrame(FRAME.answer, ID, Uint8Array.of(9)), '0000001206000102030405060708090a0b0c0d0e0f09'],
    [replyFrame(FRAME.cancel, ID), '000000110a000102030405060708090a0b0c0d0e0f'],
    [creditFrame(65_536), '000000050b00010000'],
    [creditFrame(1, ID), '000000150b00000001000102030405060708090a0b0c0d0e0f'],
    [pingFrame(FRAME.ping, 7), '000000050c00000007'],
    [
      introductionsFrame([{ peer, addresses: ['/ip4/1.2.3.4/tcp/1'] }]),
      '000000210e818269313244334b6f6f577881722f6970342f312e322e332e342f7463702f31',
    ],
  ]
  for (const [bytes, hex] of frames) assert.equal(Buffer.from(bytes).toString('hex'), hex)
})

test('malformed handshakes are nothing', () => {
  const session = new Uint8Array(8)
  const bad = [
    [2, 0, session, 'x'],
    [1, 4, session, 'x'],
    [1, 0, new Uint8Array(7), 'x'],
    [1, 0, session, 7],
    [1, 0, session],
    'text',
  ]
  for (const value of bad) assert.equal(parseHello(encodeCbor(value)), undefined)
  assert.equal(parseHello(Uint8Array.of(0xff)), undefined)
  assert.equal(parseAccepted(encodeCbor([0])), undefined)
  assert.equal(parseRefusal(encodeCbor(['because', 'x'])), undefined)
})

test("another peer's words are made fit for one line", () => {
  const refusal = parseRefusal(encodeCbor(['not-admitted', '  Ada\u0000\n\u202eLovelace\u2028 ']))
  assert.equal(refusal?.reason, 'Ada Lovelace')
})
