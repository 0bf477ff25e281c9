import { type Clock, jitter, type Random, type Timer, whenAborted } from '../base/index.ts'
import { BusError } from './errors.ts'
import { FRAME, pingFrame } from './frames.ts'
import { HEARTBEAT_MS, PING_TIMEOUT_MS, PINGS_IN_FLIGHT_MAX, PROBE_ROUND_MS } from './limits.ts'
import { Suspicion, type Verdict } from './presence/suspicion.ts'

export interface HeartbeatComponents {
  readonly clock: Clock
  readonly random: Random
  /** Sends a frame on the control lane. */
  readonly control: (frame: Uint8Array) => void
  /** Bytes received from the peer so far, on any lane. */
  readonly bytesIn: () => number
  readonly onRtt: (smoothedMs: number, rttMs: number) => void
  /** Anything but `fine`. */
  readonly onVerdict: (verdict: Exclude<Verdict, 'fine'>) => void
}

/** Weight of a new sample in the smoothed round trip (RFC 6298 section 2). */
const RTT_WEIGHT = 1 / 8

interface Sent {
  readonly at: number
  /** The promise of a caller of `ping`; none for a heartbeat. */
  readonly caller: Pick<PromiseWithResolvers<number>, 'resolve' | 'reject'> | undefined
}

/**
 * Asks the peer for a sign of life at jittered intervals, shorter ones while it is suspected. Bytes on any lane are one too,
 * so that a peer that is merely busy is not taken for dead.
 */
export class Heartbeat {
  readonly #use: HeartbeatComponents
  readonly #sent = new Map<number, Sent>()
  readonly #suspicion = new Suspicion()
  #token = 0
  #timer: Timer | undefined
  #seenBytes = 0
  #rttMs: number | undefined

  constructor(components: HeartbeatComponents) {
    this.#use = components
  }

  get isSuspected(): boolean {
    return this.#suspicion.isSuspected
  }

  start(): void {
    this.#send(undefined)
    this.#arm()
  }

  stop(error: BusError): void {
    this.#timer?.cancel()
    for (const { caller } of this.#sent.values()) caller?.reject(error)
    this.#sent.clear()
  }

  onPing(token: number): void {
    this.#use.control(pingFrame(FRAME.pong, token))
  }

  onPong(token: number): void {
    const sent = this.#sent.get(token)
    if (sent === undefined) return
    this.#sent.delete(token)
    const rttMs = this.#use.clock.monotonic() - sent.at
    this.#rttMs = this.#rttMs === undefined ? rttMs : this.#rttMs + RTT_WEIGHT * (rttMs - this.#rttMs)
    this.#use.onRtt(this.#rttMs, rttMs)
    if (this.#suspicion.heard()) this.#use.onVerdict('recovered')
    sent.caller?.resolve(rttMs)
  }

  /** Another peer reached this one for us. */
  vouched(): void {
    this.#suspicion.vouched()
  }

  /** Measures a round trip for `onRtt`, unless one is being measured. */
  probe(): void {
    if (this.#sent.size === 0) this.#send(undefined)
  }

  /** One round trip now, in ms. Rejects: `ERR_REQUEST_TIMEOUT`, `ERR_OVERLOADED`, or the signal's reason. */
  async ping(signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    if (this.#sent.size >= PINGS_IN_FLIGHT_MAX) throw new BusError('ERR_OVERLOADED', 'too many pings are in flight')
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const token = this.#send({ resolve, reject })
    using _abort = whenAborted(signal, reject)
    using _timer = this.#use.clock.setTimer(PING_TIMEOUT_MS, () =>
      reject(new BusError('ERR_REQUEST_TIMEOUT', `no answer within ${PING_TIMEOUT_MS} ms`)),
    )
    try {
      return await promise
    } finally {
      this.#sent.delete(token)
    }
  }

  #arm(): void {
    const waitMs = this.#suspicion.isSuspected ? PROBE_ROUND_MS : HEARTBEAT_MS
    this.#timer = this.#use.clock.setTimer(jitter(this.#use.random, waitMs), () => this.#beat())
  }

  #beat(): void {
    const bytes = this.#use.bytesIn()
    const verdict = this.#suspicion.beat(bytes !== this.#seenBytes)
    this.#seenBytes = bytes
    if (verdict !== 'fine') this.#use.onVerdict(verdict)
    if (verdict === 'gone' || verdict === 'link-fault') return
    // Pings that were never answered make room: their tokens mean nothing any more.
    for (const [token, sent] of this.#sent) if (sent.caller === undefined) this.#sent.delete(token)
    this.#send(undefined)
    this.#arm()
  }

  #send(caller: Sent['caller']): number {
    this.#token = (this.#token + 1) >>> 0
    this.#sent.set(this.#token, { at: this.#use.clock.monotonic(), caller })
    this.#use.control(pingFrame(FRAME.ping, this.#token))
    return this.#token
  }
}
