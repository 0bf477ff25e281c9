import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerId, TokenBucket } from '../../../src/base/index.ts'
import { CHANNEL_MAX_WRITE_BYTES, type Channel } from '../../../src/network/index.ts'
import { FramedChannel } from '../../../src/sync/join/framed-channel.ts'

const { signal } = new AbortController()

test('a token bucket lets through a burst and then one by one', () => {
  const bucket = new TokenBucket({ burst: 2, perSecond: 10 }, 0)
  assert.deepEqual([bucket.take(0), bucket.take(0), bucket.take(0)], [true, true, false])
  assert.deepEqual([bucket.take(99), bucket.take(100), bucket.take(101)], [false, true, false])
  assert.deepEqual([bucket.take(10_000), bucket.take(10_000), bucket.take(10_000)], [true, true, false])
})

/** A channel that gives back what was sent, cut into pieces of `size` bytes. */
class Echo implements Channel {
  readonly peer = 'peer' as PeerId
  readonly protocol = '/echo'
  readonly direction = 'outbound'
  readonly closed: Promise<void> = Promise.resolve()
  readonly writes: number[] = []
  #bytes = Buffer.alloc(0)
  readonly #size: number

  constructor(size: number) {
    this.#size = size
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.writes.push(bytes.byteLength)
    this.#bytes = Buffer.concat([this.#bytes, bytes])
  }

  async read(): Promise<Uint8Array | undefined> {
    const chunk = this.#bytes.subarray(0, this.#size)
    this.#bytes = this.#bytes.subarray(this.#size)
    return chunk.byteLength === 0 ? undefined : chunk
  }

  async close(): Promise<void> {}
  abort(): void {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

test('frames arrive whole, however the stream is cut', async () => {
  for (const size of [1, 3, 7, 1000]) {
    const framed = new FramedChannel(new Echo(size))
    const frames = [new Uint8Array(0), new Uint8Array([1]), new Uint8Array(300).fill(2)]
    for (const frame of frames) await framed.send(frame, { signal })
    for (const frame of frames) assert.deepEqual(new Uint8Array(await framed.read(300, { signal })), frame)
  }
})

test('a large frame is written in pieces that a channel takes', async () => {
  const echo = new Echo(50_000)
  const framed = new FramedChannel(echo)
  const frame = new Uint8Array(CHANNEL_MAX_WRITE_BYTES * 2).fill(3)
  await framed.send(frame, { signal })
  assert.ok(echo.writes.every((bytes) => bytes <= CHANNEL_MAX_WRITE_BYTES))
  assert.equal((await framed.read(frame.byteLength, { signal })).byteLength, frame.byteLength)
})

test('a frame that is too long or cut short is refused', async () => {
  const long = new FramedChannel(new Echo(9))
  await long.send(new Uint8Array(11), { signal })
  await assert.rejects(long.read(10, { signal }), { code: 'ERR_SYNC_MALFORMED' })
  const echo = new Echo(9)
  const short = new FramedChannel(echo)
  await echo.send(new Uint8Array([0, 0, 0, 9, 1]))
  await assert.rejects(short.read(10, { signal }), { code: 'ERR_SYNC_MALFORMED' })
})
