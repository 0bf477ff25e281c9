import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CborValue, encodeCbor, type PeerId } from '../../../src/base/index.ts'
import { envelopeFrame, parseEnvelope } from '../../../src/bus/envelope.ts'
import { FRAME } from '../../../src/bus/frames.ts'
import type { Message } from '../../../src/bus/index.ts'

const FROM = 'peer' as PeerId
const MESSAGE: Message = {
  kind: 'thought.shared',
  topic: 'space/ab/thoughts',
  id: '000102030405060708090a0b0c0d0e0f',
  from: FROM,
  priority: 'high',
  hlc: 1_700_000_000_000 * 1024,
  ttlMs: 30_000,
  trace: '',
  body: Uint8Array.of(1, 2, 3),
}

function fields(): CborValue[] {
  const { kind, topic, hlc, ttlMs, trace, body } = MESSAGE
  return [1, kind, topic, new Uint8Array(16), new Uint8Array(0), 1, hlc, ttlMs, trace, body]
}

test('a message comes back as it was, with the sender that the channel proves', () => {
  assert.deepEqual(parseEnvelope(envelopeFrame(FRAME.message, MESSAGE).subarray(5), FROM), MESSAGE)
})

test('the frame is the plain encoding of its fields, whatever the length of the body', () => {
  for (const length of [0, 23, 24, 255, 256, 65_535, 65_536, 512 * 1024]) {
    const body = new Uint8Array(length).fill(5)
    const frame = envelopeFrame(FRAME.message, { ...MESSAGE, id: '0'.repeat(32), body })
    assert.deepEqual(new Uint8Array(frame.subarray(5)), encodeCbor(fields().with(9, body)))
  }
})

test('every field is checked', () => {
  assert.notEqual(parseEnvelope(encodeCbor(fields()), FROM), undefined)
  const bad: readonly [number, CborValue][] = [
    [0, 2],
    [1, ''],
    [1, 'two words'],
    [1, 'k'.repeat(65)],
    [2, 'a//b'],
    [2, 'a.*'],
    [2, 't'.repeat(201)],
    [3, new Uint8Array(15)],
    [4, new Uint8Array(1)],
    [5, 4],
    [5, -1],
    [6, -5],
    [7, -1],
    [7, 3_600_001],
    [8, 'x'.repeat(56)],
    [9, 'text'],
    [9, new Uint8Array(512 * 1024 + 1)],
  ]
  for (const [index, value] of bad) {
    assert.equal(parseEnvelope(encodeCbor(fields().with(index, value)), FROM), undefined, `field ${index}`)
  }
})

test('garbage is nothing', () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff), encodeCbor({ a: 1 }), encodeCbor(fields().slice(1))]) {
    assert.equal(parseEnvelope(bytes, FROM), undefined)
  }
})
