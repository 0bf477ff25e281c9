import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { peerIdOfKey, VirtualClock } from '../../../src/base/index.ts'
import {
  CHANNEL_CLOSE_TIMEOUT_MS,
  CHANNEL_QUEUE_BYTES,
  StreamChannel,
  type Wire,
} from '../../../src/network/channel.ts'
import { CHANNEL_MAX_WRITE_BYTES, CHANNEL_READ_BUFFER_BYTES } from '../../../src/network/index.ts'

const KIB = 1024

/** A wire that writes down what it is told; room is granted by hand. */
class RecordingWire implements Wire {
  readonly written: number[] = []
  readonly calls: string[] = []
  /** Bytes it still takes before it says stop. */
  room = Number.POSITIVE_INFINITY
  onResume: (() => void) | undefined
  failWith: Error | undefined

  get writable(): boolean {
    return this.room > 0
  }

  write(bytes: Uint8Array): void {
    if (this.failWith !== undefined) throw this.failWith
    this.written.push(bytes.byteLength)
    this.room -= bytes.byteLength
  }

  async end(): Promise<void> {
    this.calls.push('end')
  }

  reset(reason: Error): void {
    this.calls.push(`reset: ${reason.message}`)
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
    this.onResume?.()
  }
}

function channelOver(wire: Wire, clock: VirtualClock = new VirtualClock()): StreamChannel {
  const peer = peerIdOfKey(new Uint8Array(32))
  return new StreamChannel({ peer, protocol: '/test/1', direction: 'outbound', wire }, { clock })
}

/** How a promise stands once everything ready has run. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const open = Symbol('open')
  const first = await Promise.race([
    promise.catch((error: { code?: string }) => error),
    new Promise((resolve) => setImmediate(resolve, open)),
  ])
  if (first === open) return 'pending'
  return first instanceof Error ? String((first as { code?: string }).code) : 'resolved'
}

describe('sending', () => {
  test('large writes go out in slices, and only while there is room', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    wire.room = 100 * KIB
    const sending = channel.send(new Uint8Array(CHANNEL_MAX_WRITE_BYTES))
    assert.deepEqual(wire.written, [64 * KIB, 64 * KIB])
    assert.equal(await stateOf(sending), 'pending')
    wire.room = 1024 * KIB
    channel.drained()
    await sending
    assert.deepEqual(wire.written, [64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB])
  })

  test('a send resolves only when there is room for more', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    wire.room = 5
    const sending = channel.send(new Uint8Array(5))
    assert.equal(await stateOf(sending), 'pending')
    wire.room = 1
    channel.drained()
    assert.equal(await stateOf(sending), 'resolved')
  })

  test('a send given up before its first byte is not sent; one that had begun is sent whole', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    wire.room = 1
    const abort = new AbortController()
    const begun = channel.send(new Uint8Array(100 * KIB), { signal: abort.signal })
    const waiting = channel.send(new Uint8Array(7), { signal: abort.signal })
    const last = channel.send(new Uint8Array(3))
    abort.abort(new Error('enough'))
    await assert.rejects(begun, new Error('enough'))
    await assert.rejects(waiting, new Error('enough'))
    wire.room = Number.POSITIVE_INFINITY
    channel.drained()
    await last
    assert.deepEqual(wire.written, [64 * KIB, 36 * KIB, 3])
  })

  test('the queue of sends that nobody awaits is bounded', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    wire.room = 0
    const queued = Array.from({ length: CHANNEL_QUEUE_BYTES / CHANNEL_MAX_WRITE_BYTES }, () =>
      channel.send(new Uint8Array(CHANNEL_MAX_WRITE_BYTES)),
    )
    assert.equal(await stateOf(channel.send(new Uint8Array(1))), 'ERR_OVERLOADED')
    channel.abort(new Error('over'))
    for (const send of queued) assert.equal(await stateOf(send), 'ERR_CHANNEL_CLOSED')
  })

  test('a wire that throws fails the channel', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    wire.failWith = new Error('broken pipe')
    await assert.rejects(channel.send(new Uint8Array(1)), { code: 'ERR_CHANNEL_CLOSED', message: /broken pipe/ })
    await channel.closed
  })

  test('close waits for what was sent, then ends our side', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    wire.room = 1
    const sending = channel.send(new Uint8Array(5))
    const closing = channel.close()
    assert.equal(await stateOf(closing), 'pending')
    assert.deepEqual(wire.calls, [])
    wire.room = 1
    channel.drained()
    await Promise.all([sending, closing])
    assert.deepEqual(wire.calls, ['end'])
    assert.equal(await stateOf(channel.send(new Uint8Array(1))), 'ERR_CHANNEL_CLOSED')
  })

  test('close does not wait for ever', async () => {
    const clock = new VirtualClock()
    const wire = new RecordingWire()
    const channel = channelOver(wire, clock)
    wire.room = 0
    const sending = channel.send(new Uint8Array(5))
    const closing = channel.close()
    clock.advance(CHANNEL_CLOSE_TIMEOUT_MS)
    await closing
    assert.equal(await stateOf(sending), 'ERR_CHANNEL_CLOSED')
    assert.equal(wire.calls.length, 1)
    assert.match(wire.calls[0] ?? '', /^reset: the peer took no data/)
    assert.equal(clock.pendingTimers, 0)
  })
})

describe('reading', () => {
  test('unread input pauses the wire, reading resumes it', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    const block = new Uint8Array(128 * KIB)
    for (let unread = 0; unread < CHANNEL_READ_BUFFER_BYTES / 2; unread += block.byteLength) channel.received(block)
    assert.deepEqual(wire.calls, ['pause'])
    await channel.read()
    await channel.read()
    assert.deepEqual(wire.calls, ['pause'])
    await channel.read()
    assert.deepEqual(wire.calls, ['pause', 'resume'])
  })

  test('crumbs pause it too', () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    for (let count = 0; count < 1024; count++) channel.received(new Uint8Array(1))
    assert.deepEqual(wire.calls, ['pause'])
  })

  test('what resuming delivers at once is read in order', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    for (let count = 1; count <= 1024; count++) channel.received(Uint8Array.of(count & 255))
    wire.onResume = () => {
      channel.received(Uint8Array.of(77))
      channel.remoteEnded()
    }
    const seen: number[] = []
    for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) seen.push(...chunk)
    assert.equal(seen.length, 1025)
    assert.equal(seen[1024], 77)
  })

  test('what arrived before a loss is read, then the loss is told', async () => {
    const channel = channelOver(new RecordingWire())
    channel.received(Uint8Array.of(1))
    channel.lost('the connection was lost')
    assert.deepEqual([...((await channel.read()) ?? [])], [1])
    await assert.rejects(channel.read(), { code: 'ERR_CHANNEL_CLOSED', message: 'the connection was lost' })
  })

  test('a loss after the end of the stream does not spoil what was complete', async () => {
    const channel = channelOver(new RecordingWire())
    channel.received(Uint8Array.of(1))
    channel.remoteEnded()
    channel.lost('the connection was lost')
    assert.deepEqual([...((await channel.read()) ?? [])], [1])
    assert.equal(await channel.read(), undefined)
    assert.equal(await stateOf(channel.send(Uint8Array.of(1))), 'ERR_CHANNEL_CLOSED')
  })

  test('a read that was given up leaves what comes to the next one', async () => {
    const channel = channelOver(new RecordingWire())
    const abort = new AbortController()
    const reading = channel.read({ signal: abort.signal })
    abort.abort(new Error('enough'))
    channel.received(new Uint8Array([1]))
    await assert.rejects(reading, /enough/)
    assert.deepEqual([...((await channel.read()) ?? [])], [1])
  })

  test('a read that is given up in the moment its input arrives still gets it', async () => {
    const channel = channelOver(new RecordingWire())
    const abort = new AbortController()
    const reading = channel.read({ signal: abort.signal })
    channel.received(new Uint8Array([1]))
    abort.abort(new Error('enough'))
    assert.deepEqual([...((await reading) ?? [])], [1])
  })

  test('our own reset drops what is unread', async () => {
    const wire = new RecordingWire()
    const channel = channelOver(wire)
    channel.received(Uint8Array.of(1))
    channel.abort(new Error('no'))
    channel.abort(new Error('again'))
    assert.equal(await stateOf(channel.read()), 'ERR_CHANNEL_CLOSED')
    assert.deepEqual(wire.calls, ['reset: no'])
  })
})

describe('the end of a channel', () => {
  test('comes when both sides have closed', async () => {
    const channel = channelOver(new RecordingWire())
    channel.remoteEnded()
    assert.equal(await stateOf(channel.closed), 'pending')
    await channel.close()
    assert.equal(await stateOf(channel.closed), 'resolved')
  })

  test('disposing closes our side and lets go of the other', async () => {
    const half = new RecordingWire()
    await channelOver(half)[Symbol.asyncDispose]()
    assert.deepEqual(half.calls, ['end', 'reset: the channel is no longer used'])
    const whole = new RecordingWire()
    const channel = channelOver(whole)
    channel.remoteEnded()
    await channel[Symbol.asyncDispose]()
    assert.deepEqual(whole.calls, ['end'])
  })

  test('disposing and closing a lost channel do not throw', async () => {
    const channel = channelOver(new RecordingWire())
    channel.lost('gone')
    await channel.close()
    await channel[Symbol.asyncDispose]()
  })
})
