import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Channel } from '../../../src/network/index.ts'
import { MessageChannel } from '../../../src/network/wire/message-channel.ts'
import { encodeProtobuf, ProtobufFields } from '../../../src/network/wire/protobuf.ts'

/** A channel that reads `chunks` and keeps what is sent. */
function channelOf(...chunks: readonly number[][]): { channel: Channel; sent: Uint8Array[] } {
  const unread = chunks.map((chunk) => Uint8Array.from(chunk))
  const sent: Uint8Array[] = []
  const channel = {
    read: async () => unread.shift(),
    send: async (bytes: Uint8Array) => void sent.push(bytes),
  } as Partial<Channel> as Channel
  return { channel, sent }
}

describe('protobuf', () => {
  test('numbers, bytes, messages, and what is unknown', () => {
    const inner = encodeProtobuf([[1, 7]])
    const fields = new ProtobufFields(
      Uint8Array.from([
        ...encodeProtobuf([
          [1, 300],
          [2, Uint8Array.of(1, 2)],
          [2, Uint8Array.of(3)],
          [3, inner],
          [4, undefined],
        ]),
        ...[0x49, 0, 0, 0, 0, 0, 0, 0, 0],
        ...[0x55, 0, 0, 0, 0],
      ]),
    )
    assert.equal(fields.number(1), 300)
    assert.deepEqual(
      fields.repeatedBytes(2).map((one) => [...one]),
      [[1, 2], [3]],
    )
    assert.equal(fields.message(3)?.number(1), 7)
    assert.equal(fields.number(4), undefined)
    assert.equal(fields.bytes(1), undefined)
  })

  test('what is malformed is refused', () => {
    for (const bytes of [[0x0a, 5, 1], [0x08], [0x0b], [0x0f], [0x08, ...new Array(11).fill(0xff)]]) {
      assert.throws(() => new ProtobufFields(Uint8Array.from(bytes)), { code: 'ERR_MALFORMED_MESSAGE' })
    }
  })
})

describe('messages on a channel', () => {
  test('in one piece or in crumbs, and what follows is kept', async () => {
    const whole = new MessageChannel(channelOf([2, 7, 8, 9, 9]).channel, 10)
    assert.deepEqual([...(await whole.read())], [7, 8])
    assert.deepEqual([...whole.takeRest()], [9, 9])
    const crumbs = new MessageChannel(channelOf([2], [7], [8]).channel, 10)
    assert.deepEqual([...(await crumbs.read())], [7, 8])
    assert.equal(crumbs.takeRest().byteLength, 0)
  })

  test('is sent behind its length', async () => {
    const { channel, sent } = channelOf()
    await new MessageChannel(channel, 10).send(Uint8Array.of(5, 6))
    assert.deepEqual(
      sent.map((bytes) => [...bytes]),
      [[2, 5, 6]],
    )
  })

  test('a length of two bytes', async () => {
    const { channel, sent } = channelOf()
    await new MessageChannel(channel, 4096).send(new Uint8Array(300))
    const [bytes = new Uint8Array()] = sent
    assert.deepEqual([...bytes.subarray(0, 3)], [0xac, 0x02, 0])
    const read = await new MessageChannel(channelOf([0xac], [2], [...bytes.subarray(2)]).channel, 4096).read()
    assert.equal(read.byteLength, 300)
  })

  test('too long, or cut off', async () => {
    for (const chunks of [[[11]], [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]], [[3, 1]]]) {
      await assert.rejects(new MessageChannel(channelOf(...chunks).channel, 10).read(), {
        code: 'ERR_MALFORMED_MESSAGE',
      })
    }
  })
})
