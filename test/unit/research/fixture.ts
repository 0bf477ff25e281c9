import assert from 'node:assert/strict'
import {
  type Caller,
  type OperationContext,
  type PeerId,
  type SpaceId,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import type { Bus, QueryResult, Responder } from '../../../src/bus/index.ts'
import { route } from '../../../src/node/router.ts'
import { Research, type ResearchInit } from '../../../src/research/index.ts'
import { parseTicket } from '../../../src/space/index.ts'
import { type DurableHalf, durableHalf } from '../../support/durable-half.ts'

export const PERSON: Caller = { kind: 'person', client: 'test' }
export const AGENT: Caller = { kind: 'agent', client: 'test-agent', model: 'test-model' }

export interface Reader extends DurableHalf {
  readonly clock: VirtualClock
  readonly self: PeerId
  readonly research: Research
}

/** Hands questions from bus to bus in one process. What it does not know how to deliver it reports as failed. */
export class PostOffice {
  readonly #responders = new Map<PeerId, Responder>()
  /** Peers that receive questions and never answer. */
  readonly frozen: Set<PeerId> = new Set()
  /** What was asked: of whom, and the bytes. */
  readonly asked: { readonly to: readonly PeerId[]; readonly body: Uint8Array }[] = []

  bus(self: PeerId): Bus {
    const respond = (_kind: string, responder: Responder): Disposable => {
      this.#responders.set(self, responder)
      return { [Symbol.dispose]: () => void this.#responders.delete(self) }
    }
    const query = (peers: readonly PeerId[], _kind: string, body: Uint8Array): Promise<QueryResult> =>
      this.#query(self, peers, body)
    return { self, respond, query } as unknown as Bus
  }

  /** As if `from` had asked `to` directly, whatever it sends. */
  async send(from: PeerId, to: PeerId, body: Uint8Array): Promise<Uint8Array> {
    const responder = this.#responders.get(to)
    if (responder === undefined) throw new Error('not ready')
    return (await responder(body, { from, signal: new AbortController().signal, trace: '' })) as Uint8Array
  }

  /** Another answer than the peer's own. */
  replace(peer: PeerId, responder: Responder): void {
    this.#responders.set(peer, responder)
  }

  async #query(from: PeerId, peers: readonly PeerId[], body: Uint8Array): Promise<QueryResult> {
    this.asked.push({ to: peers, body })
    const answers: QueryResult['answers'][number][] = []
    const failed: { peer: PeerId; reason: string }[] = []
    const awake = peers.filter((peer) => !this.frozen.has(peer))
    for (const peer of awake) {
      try {
        answers.push({ peer, body: await this.send(from, peer, body), elapsedMs: 1 })
      } catch (error) {
        failed.push({ peer, reason: (error as Error).message })
      }
    }
    const silent = peers.filter((peer) => this.frozen.has(peer))
    return { answers, coverage: { asked: peers.length, answered: answers.length, failed, silent } }
  }
}

/** A peer with a library, on a virtual clock. */
export async function reader(
  seed: number,
  post: PostOffice = new PostOffice(),
  init: ResearchInit = {},
): Promise<Reader> {
  const clock = new VirtualClock()
  const half = durableHalf({ name: `peer-${seed}`, seed, clock })
  const self = half.identity.device.peer
  const bus = post.bus(self)
  const research = new Research(init, { ...half, clock, log: silentLogger(), bus })
  route(bus, research.handlers, assert.fail)
  for (const view of research.views) half.journal.register(view)
  return { ...half, clock, self, research, [Symbol.dispose]: () => half[Symbol.dispose]() }
}

/** Admits `guest` to a space of `host` and hands over everything in it. */
export async function admit(
  host: DurableHalf,
  guest: DurableHalf,
  space: SpaceId,
  role: 'reader' | 'writer' = 'writer',
): Promise<void> {
  const { ticket } = await host.spaces.invite(space, { role, uses: 1, ttlMs: 60_000, addresses: [] })
  const outcome = await host.spaces.redeem(guest.spaces.requestFor(parseTicket(ticket, 0), `guest ${role}`))
  if (!outcome.ok) throw new Error(outcome.message)
  using _expected = guest.spaces.expect(space)
  handOver(host, guest, space)
}

/** Everything that `from` holds of a space. */
export function handOver(from: DurableHalf, to: DurableHalf, space: SpaceId): void {
  for (const { author, log, seq } of from.journal.heads(space)) {
    for (let at = 1; at <= seq; ) {
      const frames = from.journal.frames(space, author, log, at, seq)
      to.journal.ingest(space, frames, 'single')
      at += Math.max(1, frames.length)
    }
  }
  to.journal.retryParked(space)
}

export function context(caller: Caller = PERSON, signal: AbortSignal = new AbortController().signal): OperationContext {
  return { caller, signal, progress: () => undefined }
}

/** Lets the virtual clock fire what is due until `work` is done. */
export async function running<T>(
  peer: { readonly clock: { advance(byMs: number): void } },
  work: Promise<T>,
): Promise<T> {
  let done = false
  const settled = work.finally(() => {
    done = true
  })
  settled.catch(() => undefined)
  while (!done) {
    await new Promise(setImmediate)
    peer.clock.advance(0)
  }
  return settled
}
