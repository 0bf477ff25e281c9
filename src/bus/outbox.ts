import { type Clock, reasonOf, type Timer, whenAborted } from '../base/index.ts'
import type { Channel } from '../network/index.ts'
import { BusError } from './errors.ts'
import type { Outgoing } from './lane-queue.ts'
import { BULK_PROBE_MS } from './limits.ts'
import { LANE_OF, type Rank, Scheduler } from './scheduler.ts'
import type { Lane } from './types.ts'

export interface OutboxInit {
  readonly clock: Clock
  /** A lane cannot be written any more. */
  readonly onLost: (reason: string) => void
}

/** Where frames for a peer go. */
export type FrameSink = Pick<Outbox, 'offer' | 'post'>

/** Turns of the microtask queue without a new frame before a lane is written: lets frames gather at no cost in time. */
const QUIET_TURNS = 3
const GATHERING_MAX_TURNS = 4096
const STALLED_MS = 1

interface Writer {
  channel: Channel | undefined
  /** A write or the gathering before it is under way. */
  busy: boolean
  /** Somebody waited in vain for the lane to move, and it has not moved since. */
  stalled: boolean
}

/**
 * The sending half of a session: feeds the four channels from the scheduler. Per frame it costs no promise and no timer;
 * a lane that has room is written as soon as the code that queued the frames pauses.
 */
export class Outbox {
  readonly #clock: Clock
  readonly #onLost: OutboxInit['onLost']
  readonly #scheduler = new Scheduler()
  readonly #writers: Readonly<Record<Lane, Writer>> = {
    control: idleWriter(),
    critical: idleWriter(),
    normal: idleWriter(),
    bulk: idleWriter(),
  }
  /** Called now and then while bulk flows; a round trip is to be measured and told to `measured`. */
  onBulk: () => void = () => undefined
  #probeAt = Number.NEGATIVE_INFINITY
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #paced = new Set<{ readonly lane: Lane; readonly resume: () => void }>()
  #patience: Timer | undefined
  #closed: BusError | undefined
  #queued = 0
  bytesOut = 0

  constructor(init: OutboxInit) {
    this.#clock = init.clock
    this.#onLost = init.onLost
  }

  get scheduler(): Scheduler {
    return this.#scheduler
  }

  /** From now on the lane is written to `channel`. */
  attach(lane: Lane, channel: Channel): void {
    this.#writers[lane].channel = channel
  }

  /** Queues a frame if its lane has room. */
  offer(rank: Rank, entry: Outgoing): boolean {
    if (this.#closed !== undefined || !this.#scheduler.offer(rank, entry, this.#clock.monotonic())) return false
    this.#queued++
    this.#kick(LANE_OF[rank])
    return true
  }

  /**
   * Queues a frame, waiting for room if need be; returns nothing when there was room at once. Rejects: `ERR_EXPIRED`, `ERR_OVERLOADED`
   * when too many wait already, `ERR_PEER_LOST`, or the signal's reason.
   */
  post(rank: Rank, entry: Outgoing, signal?: AbortSignal): Promise<void> | undefined {
    return this.offer(rank, entry) ? undefined : this.#wait(rank, entry, signal)
  }

  grant(bytes: number): boolean {
    const honest = this.#scheduler.grant(bytes)
    if (honest) this.#kick('bulk')
    return honest
  }

  /** A round trip on the control lane was measured. */
  measured(rttMs: number): void {
    this.#scheduler.measured(rttMs, this.#clock.monotonic())
    this.#kick('bulk')
  }

  /** Resolves when the lane is less than half full, or after `timeoutMs`; at once, or nearly so, while it does not move at all. */
  async relieved(lane: Lane, timeoutMs: number): Promise<void> {
    const writer = this.#writers[lane]
    await new Promise<void>((resolve) => {
      // Never at once: a publisher in a loop would keep the event loop from writing, and the lane full for ever.
      const timer = this.#clock.setTimer(writer.stalled ? STALLED_MS : timeoutMs, () => {
        writer.stalled = true
        entry.resume()
      })
      const entry = {
        lane,
        resume: () => {
          timer.cancel()
          this.#paced.delete(entry)
          resolve()
        },
      }
      this.#paced.add(entry)
    })
  }

  close(error: BusError): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    this.#patience?.cancel()
    for (const reject of [...this.#waiting]) reject(error)
    for (const entry of [...this.#paced]) entry.resume()
  }

  async #wait(rank: Rank, entry: Outgoing, signal: AbortSignal | undefined): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = this.#scheduler.wait(rank, entry, resolve)
    if (leave === undefined) {
      throw new BusError('ERR_OVERLOADED', `too many frames wait for the ${LANE_OF[rank]} lane`, {
        fix: 'Send less at once, or wait for earlier sends to resolve.',
      })
    }
    this.#waiting.add(reject)
    using _abort = whenAborted(signal, reject)
    using _expiry = this.#expiryOf(rank, entry, reject)
    try {
      await promise
    } finally {
      leave()
      this.#waiting.delete(reject)
    }
  }

  #expiryOf(rank: Rank, entry: Outgoing, reject: (error: Error) => void): Timer | undefined {
    if (entry.expiresAt === Number.POSITIVE_INFINITY) return undefined
    return this.#clock.setTimer(entry.expiresAt - this.#clock.monotonic(), () =>
      reject(new BusError('ERR_EXPIRED', `the ${LANE_OF[rank]} lane had no room before the message expired`)),
    )
  }

  #kick(lane: Lane): void {
    const writer = this.#writers[lane]
    if (writer.busy || writer.channel === undefined || this.#closed !== undefined) return
    writer.busy = true
    this.#gather(lane, this.#queued, QUIET_TURNS, GATHERING_MAX_TURNS)
  }

  /** Writes once nothing was queued for a few microtasks: a loop that awaits each publish still fills whole writes. */
  #gather(lane: Lane, seen: number, quiet: number, turns: number): void {
    queueMicrotask(() => {
      const grew = this.#queued !== seen
      const more = (grew || quiet > 0) && !this.#scheduler.fillsWrite(lane)
      if (more && turns > 0) this.#gather(lane, this.#queued, grew ? QUIET_TURNS : quiet - 1, turns - 1)
      else void this.#write(lane)
    })
  }

  /** Never rejects. */
  async #write(lane: Lane): Promise<void> {
    const writer = this.#writers[lane]
    try {
      for (let bytes = this.#take(lane); bytes !== undefined; bytes = this.#take(lane)) {
        this.bytesOut += bytes.byteLength
        if (lane === 'bulk') this.#probe()
        await writer.channel?.send(bytes)
        if (lane !== 'bulk' && this.#scheduler.fill('bulk') > 0) this.#kick('bulk')
      }
    } catch (error) {
      this.#onLost(`the ${lane} lane cannot be written: ${reasonOf(error)}`)
    }
    writer.busy = false
    if (lane === 'bulk') this.#armPatience()
  }

  #probe(): void {
    const now = this.#clock.monotonic()
    if (now < this.#probeAt) return
    this.#probeAt = now + BULK_PROBE_MS
    this.onBulk()
  }

  #take(lane: Lane): Uint8Array | undefined {
    if (this.#closed !== undefined) return undefined
    const bytes = this.#scheduler.take(lane, this.#clock.monotonic())
    if (bytes !== undefined) this.#writers[lane].stalled = false
    if (this.#paced.size > 0 && this.#scheduler.fill(lane) < 0.5) {
      for (const entry of [...this.#paced]) if (entry.lane === lane) entry.resume()
    }
    return bytes
  }

  /** Bulk that is held back is looked at again when its patience ends, should nothing else wake it. */
  #armPatience(): void {
    const dueIn = this.#scheduler.bulkDueIn(this.#clock.monotonic())
    if (dueIn === undefined || this.#patience !== undefined || this.#closed !== undefined) return
    this.#patience = this.#clock.setTimer(dueIn, () => {
      this.#patience = undefined
      this.#kick('bulk')
    })
  }
}

function idleWriter(): Writer {
  return { channel: undefined, busy: false, stalled: false }
}
