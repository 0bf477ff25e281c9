import type { Outgoing } from '../lane-queue.ts'
import { CACHE_MAX_BYTES, CACHE_MAX_ENTRIES, CACHE_MAX_MS } from '../limits.ts'
import type { Priority } from '../types.ts'

export interface Cached {
  readonly entry: Outgoing
  readonly priority: Priority
}

interface Kept extends Cached {
  readonly until: number
}

/** Messages that others may ask us for, the frame as it goes out; bounded in number, bytes and time, the oldest go first. */
export class MessageCache {
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  put(key: string, cached: Cached, now: number): void {
    this.#forget(key)
    this.#kept.set(key, { ...cached, until: Math.min(cached.entry.expiresAt, now + CACHE_MAX_MS) })
    this.#bytes += cached.entry.frame.byteLength
    for (const [oldest, { until }] of this.#kept) {
      const isOver = until <= now || this.#bytes > CACHE_MAX_BYTES || this.#kept.size > CACHE_MAX_ENTRIES
      if (!isOver) break
      this.#forget(oldest)
    }
  }

  get(key: string, now: number): Cached | undefined {
    const kept = this.#kept.get(key)
    return kept !== undefined && kept.until > now ? kept : undefined
  }

  /** Forgets what is too old; to be called now and then, so that a cache that nobody fills empties. */
  expire(now: number): void {
    for (const [key, { until }] of this.#kept) if (until <= now) this.#forget(key)
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#kept.delete(key)
    this.#bytes -= kept.entry.frame.byteLength
  }
}
