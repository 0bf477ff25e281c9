import assert from 'node:assert/strict'
import { type SpaceId, VirtualClock } from '../../src/base/index.ts'
import { type Frame, LOG_CLASS, type StoredRecord } from '../../src/records/index.ts'
import { parseTicket, type Role } from '../../src/space/index.ts'
import { type DurableHalf, durableHalf } from './durable-half.ts'

export const SAID_KIND = 65_536
const HOUR_MS = 3_600_000

/** Peers without a network, whose records are carried by hand. Disposing closes all stores. */
export class EncryptedTown implements Disposable {
  readonly clock: VirtualClock = new VirtualClock()
  readonly #peers: DurableHalf[] = []

  /** A device with an empty store; the same device for the same seed. */
  peer(seed: number, path?: string): DurableHalf {
    const peer = durableHalf({ name: `peer ${seed}`, seed, clock: this.clock, ...(path === undefined ? {} : { path }) })
    this.#peers.push(peer)
    return peer
  }

  /** A guest that the host admitted and that holds what the host holds. */
  async guest(host: DurableHalf, seed: number, space: SpaceId, role: Role = 'writer'): Promise<DurableHalf> {
    const guest = this.peer(seed)
    await admit(host, guest, space, role)
    give(host, guest, space)
    return guest
  }

  [Symbol.dispose](): void {
    for (const peer of this.#peers) peer[Symbol.dispose]()
  }
}

export async function admit(host: DurableHalf, guest: DurableHalf, space: SpaceId, role: Role): Promise<void> {
  const { ticket } = await host.spaces.invite(space, { role, uses: 1, ttlMs: HOUR_MS, addresses: [] })
  assert.ok((await host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), 'guest'))).ok)
}

/** All frames that a peer holds, or those that another lacks. */
export function framesOf(
  from: DurableHalf,
  space: SpaceId,
  group: 'control' | 'data',
  lackedBy?: DurableHalf,
): readonly Frame[] {
  const heads = from.journal.heads(space).filter(({ log }) => log.startsWith('00') === (group === 'control'))
  const held = new Map(lackedBy?.journal.heads(space).map(({ author, log, seq }) => [`${author} ${log}`, seq]))
  return heads.flatMap(({ author, log, seq }) => {
    const frames: Frame[] = []
    for (let next = (held.get(`${author} ${log}`) ?? 0) + 1; next <= seq; ) {
      const more = from.journal.frames(space, author, log, next, seq)
      frames.push(...more)
      next += more.length
    }
    return frames
  })
}

/** All that the one holds and the other does not, control records first. */
export function give(from: DurableHalf, to: DurableHalf, space: SpaceId): void {
  take(to, space, framesOf(from, space, 'control', to))
  take(to, space, framesOf(from, space, 'data', to))
}

export function take(to: DurableHalf, space: SpaceId, frames: readonly Frame[]): void {
  using _expected = to.spaces.expect(space)
  for (let at = 0; at < frames.length; at += 256) to.journal.ingest(space, frames.slice(at, at + 256), 'single')
  to.journal.retryParked(space)
}

export async function say(peer: DurableHalf, space: SpaceId, text: string): Promise<StoredRecord> {
  return await peer.journal.append({ space, class: LOG_CLASS.durable, kind: SAID_KIND, body: { text } })
}

/** What a device can read of what was said. */
export function heard(peer: DurableHalf, space: SpaceId): readonly string[] {
  return peer.journal.records({ space, kinds: [SAID_KIND], limit: 1000 }).map(({ body }) => String(body?.text))
}
