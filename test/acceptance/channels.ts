import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { concatBytes } from '../../src/base/index.ts'
import { CHANNEL_MAX_WRITE_BYTES, CHANNEL_READ_BUFFER_BYTES, type Channel } from '../../src/network/index.ts'
import {
  type Check,
  ECHO,
  echo,
  echoBack,
  linkedPair,
  MANY,
  MIB,
  pattern,
  ping,
  readAll,
  readExactly,
  rejects,
  sendUntilStuck,
  serveEcho,
} from './transport-bench.ts'

/** Order, back-pressure, ends and limits of channels. */
export function channelChecks(check: Check): void {
  check('echo in both directions of one link', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(a)
    serveEcho(b)
    await echo(a, b.self, 'there')
    await echo(b, a.self, 'and back')
  })

  check('both ends of a channel name the peer and the protocol', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const received = Promise.withResolvers<Channel>()
    b.handle(ECHO, MANY, async (channel) => received.resolve(channel))
    const here = await a.open(b.self, ECHO)
    const there = await received.promise
    assert.deepEqual([here.peer, here.protocol, here.direction], [b.self, ECHO, 'outbound'])
    assert.deepEqual([there.peer, there.protocol, there.direction], [a.self, ECHO, 'inbound'])
  })

  check('a protocol without a handler is refused, the link stays', async (bench) => {
    const [a, b] = await linkedPair(bench)
    await rejects(a.open(b.self, '/plexus-test/unknown/1'), 'ERR_PROTOCOL_UNSUPPORTED')
    const handling = b.handle(ECHO, MANY, async () => undefined)
    handling[Symbol.dispose]()
    await rejects(a.open(b.self, ECHO), 'ERR_PROTOCOL_UNSUPPORTED')
    serveEcho(b)
    await echo(a, b.self, 'still here')
  })

  check('16 MiB arrive whole', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const total = 16 * MIB
    const digest = Promise.withResolvers<string>()
    b.handle(ECHO, MANY, async (channel) => {
      const hash = createHash('sha256')
      for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) hash.update(chunk)
      digest.resolve(hash.digest('hex'))
    })
    const channel = await a.open(b.self, ECHO)
    const hash = createHash('sha256')
    for (let at = 0, size = 1; at < total; at += size, size = Math.min(size * 3, CHANNEL_MAX_WRITE_BYTES, total - at)) {
      const bytes = pattern(at, size)
      hash.update(bytes)
      await channel.send(bytes)
    }
    await channel.close()
    assert.equal(await digest.promise, hash.digest('hex'))
  })

  check('a reader that stops holds the sender back', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const received = Promise.withResolvers<Channel>()
    b.handle(ECHO, MANY, async (channel) => received.resolve(channel))
    b.handle('/plexus-test/probe/1', MANY, echoBack)
    const channel = await a.open(b.self, ECHO)
    const probe = await a.open(b.self, '/plexus-test/probe/1')
    const accepted = await sendUntilStuck(channel, probe)
    assert.ok(accepted.bytes >= 64 * 1024, `only ${accepted.bytes} bytes were taken`)
    assert.ok(accepted.bytes <= 2.5 * CHANNEL_READ_BUFFER_BYTES, `${accepted.bytes} bytes were taken`)
    const there = await received.promise
    let read = 0
    while (read < accepted.bytes) read += (await there.read())?.byteLength ?? Number.NaN
    await accepted.stuck
  })

  check('a busy neighbour does not lift the back-pressure of a stream', async (bench) => {
    const [a, b] = await linkedPair(bench)
    b.handle(ECHO, MANY, async () => undefined)
    b.handle('/plexus-test/probe/1', MANY, echoBack)
    const [channel, probe] = [await a.open(b.self, ECHO), await a.open(b.self, '/plexus-test/probe/1')]
    const { stuck } = await sendUntilStuck(channel, probe)
    let taken = 0
    const count = (): void => void taken++
    const queued = Array.from({ length: 40 }, () => channel.send(new Uint8Array(64 * 1024)).then(count))
    const reading = readExactly(probe, 8 * MIB)
    for (let sent = 0; sent < 8 * MIB; sent += 64 * 1024) await probe.send(new Uint8Array(64 * 1024))
    await reading
    assert.equal(taken, 0)
    channel.abort(new Error('enough'))
    await Promise.allSettled([stuck, ...queued])
  })

  check('a slow reader gets everything', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const total = 16 * MIB
    const seen = Promise.withResolvers<number>()
    b.handle(ECHO, MANY, async (channel) => {
      let read = 0
      for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) {
        read += chunk.byteLength
        await bench.elapse(1)
      }
      seen.resolve(read)
    })
    const channel = await a.open(b.self, ECHO)
    const block = new Uint8Array(64 * 1024)
    for (let sent = 0; sent < total; sent += block.byteLength) await channel.send(block)
    await channel.close()
    assert.equal(await seen.promise, total)
  })

  check('a closed side can still read', async (bench) => {
    const [a, b] = await linkedPair(bench)
    b.handle(ECHO, MANY, async (channel) => {
      const request = await readAll(channel)
      await channel.send(concatBytes(request, request))
      await channel.close()
    })
    const channel = await a.open(b.self, ECHO)
    await channel.send(Uint8Array.of(1, 2))
    await channel.close()
    assert.deepEqual([...(await readAll(channel))], [1, 2, 1, 2])
    assert.equal(await channel.read(), undefined)
    await channel.closed
    await rejects(channel.send(Uint8Array.of(3)), 'ERR_CHANNEL_CLOSED')
  })

  check('an answer that is sent and closed at once is read whole', async (bench) => {
    const [a, b] = await linkedPair(bench)
    b.handle(ECHO, MANY, async (channel) => {
      await channel.send(pattern(0, 1000))
      await channel.close()
    })
    for (let round = 0; round < 10; round++) {
      await using channel = await a.open(b.self, ECHO)
      assert.deepEqual(await readAll(channel), pattern(0, 1000))
    }
  })

  check('a reset is seen by the peer and is no end of stream', async (bench) => {
    const [a, b] = await linkedPair(bench)
    const received = Promise.withResolvers<Channel>()
    b.handle(ECHO, MANY, async (channel) => received.resolve(channel))
    const here = await a.open(b.self, ECHO)
    await here.send(Uint8Array.of(1))
    const there = await received.promise
    assert.deepEqual([...((await there.read()) ?? [])], [1])
    here.abort(new Error('no more'))
    await rejects(there.read(), 'ERR_CHANNEL_CLOSED')
    await Promise.all([here.closed, there.closed])
    await rejects(here.read(), 'ERR_CHANNEL_CLOSED')
    await rejects(here.send(Uint8Array.of(2)), 'ERR_CHANNEL_CLOSED')
    await rejects(there.send(Uint8Array.of(2)), 'ERR_CHANNEL_CLOSED')
  })

  check('streams beyond the limit of a protocol are reset, those within go on', async (bench) => {
    const [a, b] = await linkedPair(bench)
    b.handle(ECHO, { maxInboundStreams: 2 }, echoBack)
    const held = await Promise.all([a.open(b.self, ECHO), a.open(b.self, ECHO)])
    await Promise.all(held.map((channel) => ping(channel)))
    const excess = await a.open(b.self, ECHO)
    await rejects(excess.read(), 'ERR_CHANNEL_CLOSED')
    await Promise.all(held.map((channel) => ping(channel)))
    await held[0]?.close()
    await held[0]?.closed
    await ping(await a.open(b.self, ECHO))
  })

  check('a handler that throws resets its own channel only', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(b)
    b.handle('/plexus-test/broken/1', MANY, () => Promise.reject(new Error('broken on purpose')))
    const good = await a.open(b.self, ECHO)
    const broken = await a.open(b.self, '/plexus-test/broken/1')
    await rejects(broken.read(), 'ERR_CHANNEL_CLOSED')
    await ping(good)
    assert.equal(b.status().figures?.failedHandlers, 1)
  })

  check('sends that are not awaited keep their order', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(b)
    const channel = await a.open(b.self, ECHO)
    const sends: Promise<void>[] = []
    for (let index = 0; index < 200; index++) sends.push(channel.send(pattern(index * 5_000, 5_000)))
    const received = readExactly(channel, 1_000_000)
    await Promise.all(sends)
    assert.deepEqual(await received, pattern(0, 1_000_000))
  })

  check('what waits to be sent is bounded', async (bench) => {
    const [a, b] = await linkedPair(bench)
    b.handle(ECHO, MANY, async () => undefined)
    const channel = await a.open(b.self, ECHO)
    await rejects(channel.send(new Uint8Array(CHANNEL_MAX_WRITE_BYTES + 1)), 'ERR_INVALID_ARGUMENT')
    const block = new Uint8Array(CHANNEL_MAX_WRITE_BYTES)
    const sends = Array.from({ length: 32 }, () => channel.send(block))
    await rejects(Promise.all(sends), 'ERR_OVERLOADED')
    channel.abort(new Error('enough'))
    await Promise.allSettled(sends)
  })

  check('a read can be given up and taken up again', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(b)
    const channel = await a.open(b.self, ECHO)
    const abort = new AbortController()
    const reading = channel.read({ signal: abort.signal })
    await rejects(channel.read(), 'ERR_LIFECYCLE')
    abort.abort(new Error('not now'))
    await assert.rejects(reading, new Error('not now'))
    await ping(channel)
  })

  check('an open can be given up', async (bench) => {
    const [a, b] = await linkedPair(bench)
    serveEcho(b)
    const abort = new AbortController()
    const opening = a.open(b.self, ECHO, { signal: abort.signal })
    abort.abort(new Error('not now'))
    await assert.rejects(opening, new Error('not now'))
    await echo(a, b.self, 'now')
  })
}
