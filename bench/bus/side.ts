import { EventEmitter, once } from 'node:events'
import { type Addresses, type Contender, type ContenderName, join } from './contender.ts'

const BODY_BYTES = 1024
const CRITICAL_BODY: Uint8Array = new Uint8Array(256).fill(8)
const SETTLE_MS = 100
const STILL_TIMEOUT_MS = 30_000
const CRITICAL_EVERY_MS = 5
const BULK_BODY: Uint8Array = new Uint8Array(64 * 1024).fill(9)

export interface Asked {
  /** Of each request, in microseconds. */
  readonly times: readonly number[]
  readonly seconds: number
}

export interface Memory {
  readonly usedMiB: number
  readonly rssMiB: number
}

export interface Probed extends Asked {
  readonly bulkBytes: number
}

/** What one process of a benchmark can be told to do, see `Worker`. Whatever it sends is the same for each contender. */
export class Side {
  readonly #tell: (heard: number) => void
  readonly #news = new EventEmitter()
  #joined: Contender | undefined
  #heard = 0
  #tellEvery = Number.POSITIVE_INFINITY
  #published = 0
  #acknowledged = 0
  #busyMs = 0

  /** `tell` is given how many messages were heard so far. */
  constructor(tell: (heard: number) => void) {
    this.#tell = tell
  }

  async join(name: ContenderName): Promise<Addresses> {
    this.#joined = await join(name, {
      onMessage: () => {
        if (++this.#heard % this.#tellEvery === 0) this.#tell(this.#heard)
      },
      onBulk: () => spin(this.#busyMs),
    })
    return this.#contender.addresses
  }

  async connect(peers: readonly Addresses[]): Promise<void> {
    await this.#contender.connect(peers)
  }

  async subscribe(tellEvery: number): Promise<void> {
    this.#tellEvery = tellEvery
    await this.#contender.subscribe()
  }

  /** From now on each bulk message keeps this process busy for so long. */
  beBusy(ms: number): void {
    this.#busyMs = ms
  }

  /** Publishes `count` messages, at most `window` of them not heard everywhere. Returns the seconds until all are. */
  async publish(count: number, window: number): Promise<number> {
    const start = performance.now()
    const last = this.#published + count
    while (this.#published < last) {
      const body = Buffer.alloc(BODY_BYTES, 7)
      // No two are the same: gossipsub would take the second for a copy.
      body.writeUInt32BE(this.#published++)
      const wait = this.#contender.publish(body)
      if (wait !== undefined) await wait
      while (this.#published - this.#acknowledged > window) await this.#acknowledgement()
    }
    while (this.#acknowledged < last) await this.#acknowledgement()
    return secondsSince(start)
  }

  /** So many have been heard everywhere. */
  acknowledge(heard: number): void {
    this.#acknowledged = heard
    this.#news.emit('acknowledged')
  }

  /** Sends `count` requests, `inFlight` at a time. */
  async ask(count: number, inFlight: number): Promise<Asked> {
    const body = Buffer.alloc(BODY_BYTES, 7)
    const times: number[] = []
    let left = count
    const start = performance.now()
    const asker = async (): Promise<void> => {
      while (left-- > 0) times.push(await this.#timed(body, false))
    }
    await Promise.all(Array.from({ length: inFlight }, asker))
    return { times, seconds: secondsSince(start) }
  }

  /** Sends critical requests for `ms`, and bulk as fast as it goes if told to. */
  async probe(ms: number, options: { readonly critical: boolean; readonly bulk: boolean }): Promise<Probed> {
    const times: number[] = []
    const start = performance.now()
    const bulk = options.bulk ? this.#bulk(start + ms) : 0
    while (performance.now() - start < ms) {
      if (options.critical) times.push(await this.#timed(CRITICAL_BODY, true))
      await new Promise((resolve) => setTimeout(resolve, CRITICAL_EVERY_MS))
    }
    const seconds = secondsSince(start)
    return { times, seconds, bulkBytes: await bulk }
  }

  /** CPU time of this process so far, user and system, in microseconds. */
  usage(): number {
    const { user, system } = process.cpuUsage()
    return user + system
  }

  /** Publishes `perSecond` messages for `ms`, and asks a little besides. Returns how many it published. */
  async steadily(perSecond: number, ms: number): Promise<number> {
    const start = performance.now()
    let sent = 0
    for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - start) {
      for (const due = Math.floor((elapsed / 1000) * perSecond); sent < due; sent++) {
        const wait = this.#contender.publish(Buffer.alloc(BODY_BYTES, 7))
        if (wait !== undefined) await wait
      }
      await this.#timed(CRITICAL_BODY, true)
      await new Promise((resolve) => setTimeout(resolve, CRITICAL_EVERY_MS))
    }
    return sent
  }

  /** What is in use after a collection, in MiB: the heap with buffers outside of it, and the whole process. */
  async memory(): Promise<Memory> {
    // Buffers are given back in the background: the second collection finds those that the first let go.
    for (let collections = 0; collections < 2; collections++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    }
    const { heapUsed, external, rss } = process.memoryUsage()
    return { usedMiB: (heapUsed + external) / 2 ** 20, rssMiB: rss / 2 ** 20 }
  }

  get #contender(): Contender {
    if (this.#joined === undefined) throw new Error('nothing was joined')
    return this.#joined
  }

  /** Rejects if nothing moves any more: messages were lost. */
  async #acknowledgement(): Promise<void> {
    await once(this.#news, 'acknowledged', { signal: AbortSignal.timeout(STILL_TIMEOUT_MS) })
  }

  async #timed(body: Uint8Array, critical: boolean): Promise<number> {
    const start = performance.now()
    await this.#contender.request?.(body, { critical })
    return (performance.now() - start) * 1000
  }

  async #bulk(end: number): Promise<number> {
    let bytes = 0
    for (; performance.now() < end; bytes += BULK_BODY.byteLength) await this.#contender.bulk?.(BULK_BODY)
    return bytes
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000
}

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
