import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type PeerId, silentLogger, systemClock, systemRandom } from '../src/base/index.ts'
import { type Bus, createBus } from '../src/bus/index.ts'
import { libp2pTransport, type Transport } from '../src/network/index.ts'
import { type Benchmark, type Figure, median, rate } from './benchmark.ts'
import { ECHO, OPEN_DOOR, SINK } from './bus-lane/terms.ts'

const ROUNDS = 3
const BODY = new Uint8Array(1024).fill(7)
const WRITE = new Uint8Array(64 * 1024)
const MESSAGES = 200_000
const RAW_BYTES = 128 * 2 ** 20
const REQUESTS = 2_000
const PIPELINED = 20_000
const IN_FLIGHT = 64
const BULK_ROUND_MS = 1_500
const CRITICAL_EVERY_MS = 5

interface Line {
  readonly bus: Bus
  readonly transport: Transport
  readonly peer: PeerId
}

export const benchmark: Benchmark = {
  summary: 'The bus between two processes over libp2p (TCP, TLS 1.3, yamux) on loopback; beside it the bare stream.',
  run: async (note) => {
    await using stack = new AsyncDisposableStack()
    const line = await connect(stack)
    const rounds: Record<string, number[]> = {}
    const take = (name: string, value: number): void => {
      const values = rounds[name] ?? []
      values.push(value)
      rounds[name] = values
    }
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = await measure(line)
      note(`round ${round}${round === 0 ? ' (not counted)' : ''}: ${JSON.stringify(measured)}`)
      if (round > 0) for (const [name, value] of Object.entries(measured)) take(name, value)
    }
    return figuresOf(rounds)
  },
}

async function connect(stack: AsyncDisposableStack): Promise<Line> {
  const child = fork(new URL('./bus-lane/peer.ts', import.meta.url), { execArgv: [] })
  stack.defer(() => void child.kill())
  const [there] = (await once(child, 'message')) as [{ peer: PeerId; addresses: string[] }]
  const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
  const transport = stack.use(await libp2pTransport({ deviceSeed: random.bytes(32) })({ clock, log }))
  const bus = stack.use(createBus({ name: 'bench' })({ transport, admission: OPEN_DOOR, clock, random, log }))
  await transport.start()
  await bus.start()
  const ready = bus.events.next('peer:ready', { signal: AbortSignal.timeout(10_000) })
  await transport.dial(there.peer, there.addresses)
  await ready
  return { bus, transport, peer: there.peer }
}

async function measure(line: Line): Promise<Record<string, number>> {
  const alone = await requestTimes(line)
  return {
    raw: await rate(RAW_BYTES / 2 ** 10, () => rawStream(line)),
    publish: await rate(MESSAGES, () => publishing(line)),
    rawEcho: median(await echoTimes(line)),
    request: median(alone),
    pipelined: await rate(PIPELINED, () => pipelining(line)),
    ...(await underBulk(line)),
  }
}

async function rawStream({ transport, peer }: Line): Promise<void> {
  const channel = await transport.open(peer, SINK)
  for (let sent = 0; sent < RAW_BYTES; sent += WRITE.byteLength) await channel.send(WRITE)
  await channel.close()
  await channel.read()
}

async function publishing({ bus, peer }: Line): Promise<void> {
  let sent = 0
  while (sent < MESSAGES) sent += (await bus.publish('bench.topic', 'bench', BODY)).sent
  await bus.request(peer, 'reached', Buffer.from(String(MESSAGES)), { timeoutMs: 60_000 })
}

async function echoTimes({ transport, peer }: Line): Promise<number[]> {
  const channel = await transport.open(peer, ECHO)
  const times: number[] = []
  for (let n = 0; n < REQUESTS; n++) {
    const start = performance.now()
    await channel.send(BODY)
    for (let got = 0; got < BODY.byteLength; ) got += (await channel.read())?.byteLength ?? BODY.byteLength
    times.push((performance.now() - start) * 1000)
  }
  await channel.close()
  return times
}

async function requestTimes({ bus, peer }: Line): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < REQUESTS; n++) {
    const start = performance.now()
    await bus.request(peer, 'echo', BODY)
    times.push((performance.now() - start) * 1000)
  }
  return times
}

async function pipelining({ bus, peer }: Line): Promise<void> {
  let left = PIPELINED
  const worker = async (): Promise<void> => {
    while (left-- > 0) await bus.request(peer, 'echo', BODY)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

/** Critical requests while bulk is sent as fast as it goes. */
async function underBulk({ bus, peer }: Line): Promise<Record<string, number>> {
  let isOver = false
  let bytes = 0
  const bulk = (async () => {
    for (; !isOver; bytes += WRITE.byteLength) await bus.send(peer, 'bulk', WRITE, { priority: 'low', ttlMs: 60_000 })
  })()
  const times: number[] = []
  const start = performance.now()
  while (performance.now() - start < BULK_ROUND_MS) {
    const sent = performance.now()
    await bus.request(peer, 'echo', BODY, { priority: 'critical' })
    times.push((performance.now() - sent) * 1000)
    await new Promise((resolve) => setTimeout(resolve, CRITICAL_EVERY_MS))
  }
  const seconds = (performance.now() - start) / 1000
  isOver = true
  await bulk
  return { critical: median(times), bulk: bytes / 2 ** 20 / seconds }
}

function figuresOf(rounds: Readonly<Record<string, number[]>>): readonly Figure[] {
  const of = (name: string): number => median(rounds[name] ?? [])
  const against = (name: string, other: string, factor = 1): Pick<Figure, 'value' | 'baseline' | 'ratio'> => {
    const ratios = (rounds[name] ?? []).map((value, round) => value / ((rounds[other]?.[round] ?? Number.NaN) * factor))
    return { value: of(name), baseline: of(other) * factor, ratio: median(ratios) }
  }
  const plain = { aim: null, met: null }
  return [
    { name: 'publish, 1 KiB', unit: 'messages/s', ...against('publish', 'raw'), ...plain },
    { name: 'request p50, one at a time', unit: 'us', ...against('request', 'rawEcho'), ...plain },
    {
      name: `requests, ${IN_FLIGHT} in flight`,
      unit: 'requests/s',
      value: of('pipelined'),
      baseline: null,
      ratio: null,
      ...plain,
    },
    { name: 'critical request p50 under bulk', unit: 'us', ...against('critical', 'request'), ...plain },
    { name: 'bulk meanwhile', unit: 'MiB/s', ...against('bulk', 'raw', 1 / 1024), ...plain },
  ]
}
