import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { runFor, runUntil, SimulatedNetwork, simulatedTransport } from '../../../src/network/index.ts'
import { createNode, type NodeInit, type PlexusNode } from '../../../src/node/index.ts'

/** Whole nodes on one virtual clock and one simulated network, each with a folder of its own; disposing ends all. */
export class Crowd implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock()
  readonly folder: string = mkdtempSync(join(tmpdir(), 'plexus-crowd-'))
  readonly network: SimulatedNetwork = new SimulatedNetwork(
    {},
    { clock: this.clock, random: seededRandom(1), log: silentLogger() },
  )
  readonly #nodes: PlexusNode[] = []

  async node(name: string, init: Partial<NodeInit> = {}): Promise<PlexusNode> {
    const node = await this.until(
      createNode({
        folder: join(this.folder, name),
        name,
        clock: this.clock,
        domains: [],
        network: ({ identity }) => simulatedTransport(this.network, identity.device.peer),
        ...init,
      }),
    )
    this.#nodes.push(node)
    return node
  }

  /** Ends a node as `kill -9` would as far as others see, and starts it again from what is on disk. */
  async restart(node: PlexusNode, init: Partial<NodeInit> = {}): Promise<PlexusNode> {
    await this.stop(node)
    return await this.node(node.name, init)
  }

  async stop(node: PlexusNode): Promise<void> {
    const at = this.#nodes.indexOf(node)
    if (at >= 0) this.#nodes.splice(at, 1)
    await this.until(node.stop())
  }

  async link(a: PlexusNode, b: PlexusNode): Promise<void> {
    await this.until(a.transport.dial(b.peer, b.transport.addresses()))
  }

  async run(ms: number): Promise<void> {
    await runFor(this.clock, ms)
  }

  /** Joins `guest` to the space that `host` shares; their lanes are up when it resolves. */
  async join(host: PlexusNode, guest: PlexusNode): Promise<void> {
    const { ticket } = await host.call('space.invite', { uses: 1 })
    await this.until(guest.call('space.join', { ticket }))
  }

  until<T>(work: Promise<T>): Promise<T> {
    return runUntil(this.clock, work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes.splice(0).reverse()) await this.until(node.stop())
    rmSync(this.folder, { recursive: true, force: true })
  }
}
