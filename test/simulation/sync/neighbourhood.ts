import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Random, type SpaceId, seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { runFor, runUntil, SimulatedNetwork, simulatedTransport } from '../../../src/network/index.ts'
import { LOG_CLASS, type StoredRecord } from '../../../src/records/index.ts'
import type { Role } from '../../../src/space/index.ts'
import { type Peer, startPeer } from '../../support/peer.ts'

export const THOUGHT_KIND = 64

/**
 * Whole peers on a simulated network under one virtual clock. Stores are files, so that a peer may be killed and come back.
 * Everything that is random comes from the seed.
 */
export class Neighbourhood implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: Random
  readonly network: SimulatedNetwork
  readonly peers: Map<number, Peer> = new Map()
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'plexus-sync-'))
  readonly #bus: { readonly directMembersMax?: number }

  constructor(seed: number, bus: { readonly directMembersMax?: number } = {}) {
    this.#bus = bus
    this.random = seededRandom(seed)
    this.network = new SimulatedNetwork({}, { clock: this.clock, random: this.random, log: silentLogger() })
  }

  /** Starts the peer with this number, for the first time or again. */
  async start(number: number): Promise<Peer> {
    const peer = await startPeer({
      name: `peer ${number}`,
      seed: number,
      clock: this.clock,
      transportOf: ({ device }) => simulatedTransport(this.network, device.peer),
      path: join(this.#folder, `${number}.db`),
      ...this.#bus,
    })
    this.peers.set(number, peer)
    return peer
  }

  /** Ends a peer without a word to the others. */
  async kill(number: number): Promise<void> {
    const peer = this.peers.get(number)
    if (peer === undefined) return
    this.network.kill(peer.id)
    this.peers.delete(number)
    await this.until(Promise.resolve(peer[Symbol.asyncDispose]()))
  }

  async run(ms: number): Promise<void> {
    await runFor(this.clock, ms)
  }

  async until<T>(work: Promise<T>, limitMs?: number): Promise<T> {
    return runUntil(this.clock, work, limitMs)
  }

  async link(a: Peer, b: Peer): Promise<void> {
    await this.until(a.transport.dial(b.id, b.transport.addresses()))
  }

  async unlink(a: Peer, b: Peer): Promise<void> {
    this.network.cut(a.id, b.id)
    await this.run(10)
  }

  /** Links everyone with everyone. */
  async mesh(): Promise<void> {
    const peers = [...this.peers.values()]
    for (const [index, a] of peers.entries()) for (const b of peers.slice(index + 1)) await this.link(a, b)
  }

  async invite(
    host: Peer,
    space: SpaceId,
    options: { role?: Role; uses?: number; ttlMs?: number } = {},
  ): Promise<string> {
    const { role = 'writer', uses = 1, ttlMs = 3_600_000 } = options
    const addresses = host.transport.addresses()
    return (await this.until(host.spaces.invite(space, { role, uses, ttlMs, addresses }))).ticket
  }

  /** `guest` becomes a member of the space of `host`. */
  async admit(host: Peer, guest: Peer, space: SpaceId, role: Role = 'writer'): Promise<void> {
    const ticket = await this.invite(host, space, { role })
    await this.until(guest.sync.join(ticket, { name: guest.name }))
  }

  /** A space founded by peer 1 with all peers up to `count` as members, all linked. */
  async village(count: number): Promise<{ readonly space: SpaceId; readonly peers: readonly Peer[] }> {
    const host = await this.start(1)
    const { id } = await this.until(host.spaces.create({ name: 'village', personal: false }))
    for (let number = 2; number <= count; number++) await this.admit(host, await this.start(number), id)
    await this.mesh()
    await this.run(5_000)
    return { space: id, peers: [...this.peers.values()] }
  }

  async think(peer: Peer, space: SpaceId, ...texts: readonly string[]): Promise<readonly StoredRecord[]> {
    const drafts = texts.map((text) => ({ space, class: LOG_CLASS.durable, kind: THOUGHT_KIND, body: { text } }))
    return this.until(peer.journal.appendAll(drafts))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const number of [...this.peers.keys()].reverse()) await this.kill(number)
    rmSync(this.#folder, { recursive: true })
  }
}

/** What a peer holds of a space, to be compared. */
export function holdings(peer: Peer, space: SpaceId): string {
  const lines = peer.journal.heads(space).map(({ author, log, seq, id }) => `${author} ${log} ${seq} ${id}`)
  return lines.toSorted().join('\n')
}

/** The texts of all thoughts that a peer holds, in the order in which it stored them. */
export function texts(peer: Peer, space: SpaceId): readonly string[] {
  const found: string[] = []
  for (let afterRid = 0; ; ) {
    const page = peer.journal.records({ space, kinds: [THOUGHT_KIND], limit: 1000, afterRid })
    found.push(...page.map(({ body }) => String(body?.text)))
    const last = page.at(-1)
    if (last === undefined) return found
    afterRid = last.rid
  }
}

export function figure(peer: Peer, name: string): number {
  return peer.sync.status().figures?.[name] ?? 0
}
