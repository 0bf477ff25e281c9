import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  codeOf,
  HLC_MAX_AHEAD_MS,
  hlcToMs,
  reasonOf,
  type SpaceId,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import { cognition } from '../../../src/cognition/index.ts'
import { runFor, runUntil, SimulatedNetwork, simulatedTransport } from '../../../src/network/index.ts'
import { createNode, type PlexusNode } from '../../../src/node/index.ts'
import type { StoredRecord } from '../../../src/records/index.ts'
import { research } from '../../../src/research/index.ts'
import { Book } from './book.ts'
import { seededFor } from './chance.ts'
import { complaints } from './complaints.ts'
import { type CrashPlan, PowerCut } from './disk.ts'
import { notes } from './notes.ts'
import { endOf } from './rules.ts'
import { SimulatedPeer } from './simulated-peer.ts'
import { Trace } from './trace.ts'
import { weatheredTransport } from './weather.ts'

/** A promise of the product is broken. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly check: string

  constructor(check: string, what: string) {
    super(`${check}: ${what}`)
    this.check = check
  }
}

/** Machines, the network between them, and time; all chance comes from the seed. */
export class World implements AsyncDisposable {
  readonly seed: number
  readonly clock: VirtualClock = new VirtualClock()
  readonly network: SimulatedNetwork
  readonly trace: Trace
  readonly book: Book = new Book()
  readonly peers: SimulatedPeer[] = []
  readonly #root: string = mkdtempSync(join(tmpdir(), 'plexus-sim-'))
  #violation: Violation | undefined
  space: SpaceId | undefined

  constructor(seed: number, options: { readonly keepTrace: boolean }) {
    this.seed = seed
    this.trace = new Trace(() => this.clock.monotonic(), options.keepTrace)
    const random = seededFor(seed, 'network')
    this.network = new SimulatedNetwork({}, { clock: this.clock, random, log: silentLogger() })
  }

  /** A machine with an empty disk, switched off. */
  add(address?: string): SimulatedPeer {
    const peer = new SimulatedPeer({
      number: this.peers.length + 1,
      seed: this.seed,
      root: this.#root,
      clock: this.clock,
      ...(address === undefined ? {} : { address }),
      onCrash: (crashed, plan) => this.#onCrash(crashed, plan),
    })
    this.peers.push(peer)
    return peer
  }

  running(): readonly SimulatedPeer[] {
    return this.peers.filter(({ isUp }) => isUp)
  }

  /** Switches a machine on. Resolves when its peer runs, or when that failed for a reason that the machine is to blame for. */
  async start(peer: SimulatedPeer): Promise<void> {
    if (peer.isUp) return
    const starting = this.#createNode(peer)
    // Should the power go first, nobody waits for this any more.
    starting.catch(() => undefined)
    const cut = peer.powerCut().then(() => undefined)
    let node: PlexusNode | undefined
    try {
      node = await this.until(Promise.race([starting, cut]))
    } catch (error) {
      if (error instanceof PowerCut || peer.clock.isOver) return
      if (!peer.disk.isFull) this.fail('starts', `${peer.name} does not start: ${codeOf(error)} ${reasonOf(error)}`)
      this.trace.note(`${peer.name} could not start: ${reasonOf(error)}`)
      peer.die()
      return
    }
    if (node !== undefined) this.#onStarted(peer, node)
  }

  /** The power of a machine goes between two events. */
  cutPower(peer: SimulatedPeer): void {
    if (peer.isUp) peer.disk.crash()
  }

  /** Notes the first broken promise; the run ends at the next step. */
  fail(check: string, what: string): void {
    this.trace.note(`VIOLATION ${check}: ${what}`)
    this.#violation ??= new Violation(check, what)
  }

  throwIfBroken(): void {
    if (this.#violation !== undefined) throw this.#violation
  }

  async run(ms: number): Promise<void> {
    await runFor(this.clock, ms)
    this.throwIfBroken()
  }

  until<T>(work: Promise<T>): Promise<T> {
    return runUntil(this.clock, work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.running()) {
      if (peer.id !== undefined) this.network.kill(peer.id, peer.address)
      peer.die()
    }
    for (const peer of this.peers) peer.disk.close()
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 })
  }

  #createNode(peer: SimulatedPeer): Promise<PlexusNode> {
    const { seed } = this
    peer.disk.close()
    const { disk } = peer
    const life = peer.begin()
    const onError = (what: string): void => {
      // A process without power says nothing; one that cannot write says so, and one that finds half a commit.
      const isExpected = life.isOver || disk.wasFull || disk.wasTorn
      if (!isExpected) this.fail('quiet', `${peer.name} logged an error: ${what}`)
    }
    const chanceOf = (what: string) => seededFor(seed, what, peer.number, peer.starts)
    return createNode({
      folder: peer.disk.folder,
      name: peer.name,
      log: complaints(onError),
      clock: peer.clock,
      random: chanceOf('node'),
      openStore: peer.disk.open,
      domains: [cognition(), research(), notes()],
      network: ({ identity }) => {
        peer.id = identity.device.peer
        const { address = this.network.addressOf(identity.device.peer) } = peer
        const transport = simulatedTransport(this.network, identity.device.peer, { address })
        return weatheredTransport(transport, peer.weather, { random: chanceOf('weather'), life })
      },
    })
  }

  #onStarted(peer: SimulatedPeer, node: PlexusNode): void {
    peer.node = node
    this.trace.note(`${peer.name} is up as ${node.peer.slice(-6)}`)
    node.journal.events.on('record:stored', ({ record, own }) => {
      this.trace.note(
        `${peer.name} stored ${own ? 'its own' : 'a'} ${record.kind} ${record.log} ${record.seq} ${record.id}`,
      )
      peer.held.add(record.id)
      this.#checkDate(peer, record, own)
    })
    node.journal.events.on('log:forked', (fork) => {
      this.trace.note(`${peer.name} saw ${fork.author.slice(-6)} fork ${fork.log} at ${fork.seq}`)
      this.book.forked(fork)
    })
    void node.stopped.then((error) => {
      if (error !== undefined && peer.node === node) this.fail('runs', `${peer.name} stopped: ${reasonOf(error)}`)
    })
    this.#checkDisk(peer, node)
  }

  /** What a peer writes is dated after all that it has seen, and nobody takes in what is dated far ahead of its clock. */
  #checkDate(peer: SimulatedPeer, { hlc, seq, log }: StoredRecord, own: boolean): void {
    const place = `${log} ${seq}`
    if (own && hlc <= peer.newestSeen) this.fail('dates', `${peer.name} dates ${place} before what it has seen`)
    const isAhead = hlcToMs(hlc) > peer.clock.now() + HLC_MAX_AHEAD_MS
    if (!own && isAhead) this.fail('dates', `${peer.name} took in ${place}, which is from the future`)
    peer.newestSeen = Math.max(peer.newestSeen, hlc)
  }

  /** Whatever happened to it, a machine has what it said it had. */
  #checkDisk(peer: SimulatedPeer, node: PlexusNode): void {
    const now = peer.clock.now()
    const mine = [...this.book.acknowledged.values()].filter(
      ({ id, exp }) => peer.held.has(id) && (exp === 0 || exp > now),
    )
    const counting = mine.filter((record) => !this.book.isBeyondFork(record) && record.seq <= endOf(node, record))
    const lost = counting.filter(({ id }) => node.journal.record(id) === undefined)
    const [first] = lost
    if (first === undefined) return
    this.fail('durable', `${peer.name} lost ${lost.length} records over a restart, first ${first.log} ${first.seq}`)
  }

  #onCrash(peer: SimulatedPeer, plan: CrashPlan | 'now'): void {
    const how = plan === 'now' ? 'between two events' : `at ${plan.at} ${plan.n}`
    this.trace.note(`${peer.name} loses power ${how}`)
    this.book.count('crash')
    const { id } = peer
    peer.die()
    if (id !== undefined) this.network.kill(id, peer.address)
  }
}
