import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoPeer } from '../../demo/peer.ts'

/** Peers of one test, each a daemon of its own under one temporary folder; disposing ends them and removes it. */
export class Profiles implements AsyncDisposable {
  readonly home: string = mkdtempSync(join(tmpdir(), 'plexus-test-'))
  readonly #peers = new Map<string, DemoPeer>()

  peer(name: string): DemoPeer {
    const known = this.#peers.get(name)
    if (known !== undefined) return known
    const peer = new DemoPeer(name, this.home)
    this.#peers.set(name, peer)
    return peer
  }

  /** Starts peers and joins all but the first to a space of the first. */
  async joined(first: string, ...others: readonly string[]): Promise<void> {
    await this.peer(first).up()
    for (const name of others) {
      const { ticket } = await this.peer(first).plexus<{ ticket: string }>('invite')
      await this.peer(name).up()
      await this.peer(name).plexus('join', ticket)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers.values()) await peer.down()
    rmSync(this.home, { recursive: true, force: true })
  }
}

/** Asks until the answer is there; the deadline belongs to the test runner's own timeout. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
  }
}
