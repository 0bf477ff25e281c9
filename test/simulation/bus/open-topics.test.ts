import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  jitter,
  type PeerId,
  type Random,
  seededRandom,
  silentLogger,
  utf8,
  VirtualClock,
} from '../../../src/base/index.ts'
import { type Bus, createBus, openAdmission } from '../../../src/bus/index.ts'
import { OPEN_GAP_MS } from '../../../src/bus/limits.ts'
import { signer } from '../../../src/identity/index.ts'
import {
  type OpenJudge,
  type OpenTopics,
  runFor,
  SimulatedNetwork,
  simulatedTransport,
} from '../../../src/network/index.ts'

const TOPIC = 'open/news'
const PEERS = 12

interface Listener {
  readonly peer: PeerId
  readonly bus: Bus
  readonly judges: OpenJudge[]
  readonly heard: Map<PeerId, number[]>
  readonly missed: Map<PeerId, number>
}

/** A mesh that loses, repeats and delays: every peer gets each message over several others, or not at all. */
class Mesh {
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly listeners: Listener[] = []
  readonly #init: { readonly loss: number; readonly copies: number; readonly delayMs: number }
  readonly #network: SimulatedNetwork

  constructor(init: {
    readonly seed: number
    readonly loss: number
    readonly copies: number
    readonly delayMs: number
  }) {
    this.#init = init
    this.random = seededRandom(init.seed)
    this.#network = new SimulatedNetwork({}, { clock: this.clock, random: this.random, log: silentLogger() })
  }

  async join(): Promise<Listener> {
    const { clock, random } = this
    const log = silentLogger()
    const device = signer(random.bytes(32))
    const transport = simulatedTransport(this.#network, device.peer)
    const judges: OpenJudge[] = []
    const openTopics: OpenTopics = {
      topics: [TOPIC],
      publish: async (_topic, bytes) => this.#spread(judges, bytes),
      join: (_topic, judge) => {
        judges.push(judge)
        return { [Symbol.dispose]: () => void judges.splice(0) }
      },
      figures: () => ({}),
    }
    const bus = createBus({ name: 'listener' })({
      transport,
      admission: openAdmission,
      openTopics,
      signer: device,
      clock,
      random,
      log,
    })
    const listener: Listener = { peer: device.peer, bus, judges, heard: new Map(), missed: new Map() }
    bus.subscribe(TOPIC, { capacity: 10_000 }, ({ from, body }) => {
      listener.heard.set(from, [...(listener.heard.get(from) ?? []), Number(Buffer.from(body).toString())])
    })
    bus.events.on('messages:missed', ({ from, count }) => {
      listener.missed.set(from, (listener.missed.get(from) ?? 0) + count)
    })
    await transport.start()
    await bus.start()
    this.listeners.push(listener)
    return listener
  }

  #spread(own: OpenJudge[], bytes: Uint8Array): number {
    const { loss, copies, delayMs } = this.#init
    for (const { judges, peer } of this.listeners) {
      if (judges === own || this.random.unit() < loss) continue
      for (let copy = 0; copy < copies; copy++) {
        const via = this.listeners[Math.floor(this.random.unit() * this.listeners.length)]?.peer ?? peer
        this.clock.setTimer(jitter(this.random, delayMs, 1), () => judges[0]?.(bytes.slice(), via))
      }
    }
    return this.listeners.length - 1
  }
}

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: whatever a mesh loses, repeats and delays: at most once, and what is missing is known`, async () => {
    const mesh = new Mesh({ seed, loss: 0.1, copies: 3, delayMs: 400 })
    for (let n = 0; n < PEERS; n++) await mesh.join()
    const authors = mesh.listeners.slice(0, 4)
    let last = 0
    for (let round = 0; round < 100; round++) {
      last++
      for (const { bus } of authors) await bus.publish(TOPIC, 'note', utf8(String(last)))
      await runFor(mesh.clock, 100)
      // One leaves, and another comes that heard nothing before.
      if (round === 50) await mesh.listeners.pop()?.bus.stop()
      if (round === 50) await mesh.join()
    }
    await runFor(mesh.clock, 2 * OPEN_GAP_MS)
    for (const { peer, heard, missed } of mesh.listeners) {
      for (const author of authors) {
        const numbers = heard.get(author.peer) ?? []
        assert.equal(new Set(numbers).size, numbers.length, 'nothing twice')
        // What was lost after the last that came nobody can know; an author's own subscription misses nothing.
        const known = numbers.length + (missed.get(author.peer) ?? 0)
        assert.equal(known, Math.max(0, ...numbers), `${peer} of ${author.peer}`)
      }
    }
    await Promise.all(mesh.listeners.map(({ bus }) => bus.stop()))
  })
}
