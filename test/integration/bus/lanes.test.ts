import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type PeerId, silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'
import { type Bus, createBus, MESSAGE_MAX_BYTES, type PublishReport } from '../../../src/bus/index.ts'
import { libp2pTransport, type Transport } from '../../../src/network/index.ts'
import { RawPeer } from '../../simulation/bus/raw-peer.ts'
import { everyone } from './everyone.ts'

const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(20_000) })

async function listener(): Promise<Transport> {
  const transport = await libp2pTransport({ deviceSeed: random.bytes(32) })({ clock, log })
  await transport.start()
  return transport
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

interface Here extends AsyncDisposable {
  readonly bus: Bus
  readonly transport: Transport
}

async function peer(banned: ReadonlySet<PeerId> = new Set()): Promise<Here> {
  const transport = await listener()
  const bus = createBus({ name: 'here' })({ transport, admission: everyone(banned), clock, random, log })
  await bus.start()
  const stop = async (): Promise<void> => {
    await bus.stop()
    await transport.stop()
  }
  return { bus, transport, [Symbol.asyncDispose]: stop }
}

async function connected(a: Here, b: Here): Promise<void> {
  const ready = [a.bus.events.next('peer:ready', soon()), b.bus.events.next('peer:ready', soon())]
  await a.transport.dial(b.transport.self, b.transport.addresses())
  await Promise.all(ready)
}

test('twenty thousand messages arrive once and in order, both ways at the same time', async () => {
  await using a = await peer()
  await using b = await peer()
  await connected(a, b)
  const count = 20_000
  const flood = async (from: Here, to: Here): Promise<void> => {
    let next = 0
    const all = Promise.withResolvers<void>()
    using _receiver = to.bus.receive('numbered', ({ body }) => {
      if (new DataView(body.buffer, body.byteOffset).getUint32(0) !== next++)
        all.reject(new Error(`out of order at ${next}`))
      if (next === count) all.resolve()
    })
    for (let n = 0; n < count; n++) {
      const body = new Uint8Array(200)
      new DataView(body.buffer).setUint32(0, n)
      await from.bus.send(to.transport.self, 'numbered', body)
    }
    await all.promise
  }
  await Promise.all([flood(a, b), flood(b, a)])
})

test('another process answers requests, streams and floods of topics', async (t) => {
  const child = fork(new URL('./echo-peer.ts', import.meta.url), { execArgv: [] })
  t.after(() => child.kill())
  const [there] = (await once(child, 'message', soon())) as [{ peer: PeerId; addresses: string[] }]
  await using a = await peer()
  const ready = a.bus.events.next('peer:ready', soon())
  await a.transport.dial(there.peer, there.addresses)
  assert.equal((await ready).name, 'echo')
  const body = random.bytes(MESSAGE_MAX_BYTES)
  for (const priority of ['critical', 'high', 'normal', 'low'] as const) {
    const answers = await Promise.all([1, 2, 3].map(() => a.bus.request(there.peer, 'echo', body, { priority })))
    for (const answer of answers) assert.ok(Buffer.from(answer).equals(body))
  }
  const reports: PublishReport[] = []
  for (let n = 0; n < 20_000; n++) reports.push(await a.bus.publish('count.all', 'k', body.subarray(0, 100)))
  assert.ok(reports.every(({ sent }) => sent === 1))
  const count = await a.bus.request(there.peer, 'count', Buffer.from('count.all'))
  assert.equal(Buffer.from(count).toString(), '20000')
  assert.ok((await a.bus.ping(there.peer, soon())) > 0)
  const lost = a.bus.events.next('peer:lost', soon())
  child.kill('SIGKILL')
  await lost
  await assert.rejects(a.bus.request(there.peer, 'echo', body), { code: 'ERR_PEER_NOT_READY' })
})

test('a stranger is refused with the reason', async () => {
  await using a = await peer()
  await using b = await peer(new Set([a.transport.self]))
  const refused = [a.bus.events.next('peer:refused', soon()), b.bus.events.next('peer:refused', soon())]
  await a.transport.dial(b.transport.self, b.transport.addresses())
  const [there, here] = await Promise.all(refused)
  assert.deepEqual([there?.by, there?.reason], ['them', 'no space in common'])
  assert.deepEqual([here?.by, here?.reason], ['us', 'no space in common'])
  assert.equal(b.bus.status().figures?.bytesIn, 0)
})

test('garbage on a lane closes all of them, and the bus goes on', async () => {
  await using a = await peer()
  await using transport = await listener()
  const raw = new RawPeer(transport)
  const ready = a.bus.events.next('peer:ready', soon())
  await transport.dial(a.transport.self, a.transport.addresses())
  await Promise.all([ready, raw.open(a.transport.self)])
  const lost = a.bus.events.next('peer:lost', soon())
  await raw.say('normal', random.bytes(100_000))
  assert.match((await lost).reason, /malformed input on the normal lane/)
  await using b = await peer()
  await connected(a, b)
})

test('a peer that does not read costs no more than its lanes may hold', async () => {
  await using a = await peer()
  await using transport = await listener()
  const raw = new RawPeer(transport, { readsData: false })
  const ready = a.bus.events.next('peer:ready', soon())
  await transport.dial(a.transport.self, a.transport.addresses())
  await Promise.all([ready, raw.open(a.transport.self)])
  const before = process.memoryUsage().arrayBuffers
  let skipped = 0
  const body = random.bytes(64 * 1024)
  for (let n = 0; n < 400; n++) {
    for (const priority of ['critical', 'normal', 'low'] as const) {
      skipped += (await a.bus.publish('t', 'k', body, { priority })).skipped.length
    }
    if (skipped > 800) break
  }
  const { queuedBytes = 0 } = a.bus.status().figures ?? {}
  assert.ok(skipped > 800, 'most of it must have been dropped')
  assert.ok(queuedBytes > 0 && queuedBytes < 6 * 1024 * 1024, `${queuedBytes} bytes wait`)
  // On a busy machine the collector gives buffers back some turns after it found them.
  let grown = Number.POSITIVE_INFINITY
  for (let turn = 0; turn < 50 && grown >= 16 * 1024 * 1024; turn++) {
    collectGarbage()
    await new Promise(setImmediate)
    grown = process.memoryUsage().arrayBuffers - before
  }
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes more`)
})
