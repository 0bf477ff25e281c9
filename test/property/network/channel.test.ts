import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, delay, peerIdOfKey, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { runUntil, SimulatedNetwork, simulatedTransport } from '../../../src/network/index.ts'

const PROTOCOL = '/test/bytes/1'

test('whatever is sent arrives once, in order and whole, at any pace of writer, reader and line', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.integer(),
        latencyMs: fc.integer({ min: 0, max: 200 }),
        bytesPerSecond: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 100_000, max: 10_000_000 })),
        sends: fc.array(
          fc.record({ bytes: fc.integer({ min: 0, max: 200_000 }), pauseMs: fc.nat(20), awaited: fc.boolean() }),
          {
            maxLength: 18,
          },
        ),
        readPauses: fc.array(fc.nat(50), { minLength: 1, maxLength: 10 }),
      }),
      async ({ seed, latencyMs, bytesPerSecond, sends, readPauses }) => {
        const clock = new VirtualClock()
        const random = seededRandom(seed)
        const network = new SimulatedNetwork({ latencyMs, bytesPerSecond }, { clock, random, log: silentLogger() })
        const [a, b] = [0, 1].map(() => simulatedTransport(network, peerIdOfKey(random.bytes(32))))
        assert.ok(a && b)
        await Promise.all([a.start(), b.start()])
        const received = Promise.withResolvers<Uint8Array>()
        b.handle(PROTOCOL, { maxInboundStreams: 1 }, async (channel) => {
          const chunks: Uint8Array[] = []
          for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) {
            chunks.push(chunk)
            await delay(clock, readPauses[chunks.length % readPauses.length] ?? 0)
          }
          received.resolve(concatBytes(...chunks))
        })
        const sent: Uint8Array[] = []
        const write = async (): Promise<void> => {
          await a.dial(b.self, b.addresses())
          const channel = await a.open(b.self, PROTOCOL)
          for (const { bytes, pauseMs, awaited } of sends) {
            const block = random.bytes(bytes)
            sent.push(block)
            const sending = channel.send(block)
            if (awaited) await sending
            await delay(clock, pauseMs)
          }
          await channel.close()
        }
        await runUntil(clock, write())
        const all = await runUntil(clock, received.promise)
        assert.equal(Buffer.compare(all, concatBytes(...sent)), 0)
      },
    ),
    { numRuns: 40 },
  )
})
