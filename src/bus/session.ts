import { type Clock, hexOf, type PeerId, type Random, reasonOf, withDeadline } from '../base/index.ts'
import type { Channel, Transport } from '../network/index.ts'
import type { Delivery } from './dispatcher.ts'
import { BusError } from './errors.ts'
import { FrameParser } from './frame-parser.ts'
import { FRAME } from './frames.ts'
import {
  acceptedFrame,
  type Hello,
  helloFrame,
  parseAccepted,
  parseRefusal,
  type Refusal,
  refusedFrame,
  SESSION_ID_BYTES,
} from './handshake.ts'
import { type FrameOutcome, InboundLane } from './inbound-lane.ts'
import {
  BULK_WINDOW_BYTES,
  FAREWELL_TIMEOUT_MS,
  HANDSHAKE_FRAME_MAX_BYTES,
  HANDSHAKE_TIMEOUT_MS,
  LANE_PROTOCOL,
  SESSION_TIMEOUT_MS,
} from './limits.ts'
import { Outbox } from './outbox.ts'
import { LANES, type Lane } from './types.ts'

/** Why a session is over, and whose doing it was. */
export type SessionEnd =
  /** A lane, the link or the peer went away. */
  | { readonly cause: 'lost'; readonly reason: string }
  /** The peer does not let us in. */
  | { readonly cause: 'refused-by-them'; readonly reason: string }
  /** We say why and close. */
  | { readonly cause: 'closed-by-us'; readonly refusal: Refusal }

/** What makes use of a session once it is ready. */
export interface SessionUser {
  onFrame(lane: Lane, type: number, payload: Buffer): FrameOutcome
  dispatch(delivery: Delivery): void
  /** Frames of the peer's bulk lane are dealt with: tell it. */
  onCredit(bytes: number): void
  onEnd(error: BusError): void
}

export interface SessionInit {
  readonly peer: PeerId
  readonly ownName: string
  /** Asked once, when all lanes are up. */
  readonly user: (session: Session) => SessionUser
  readonly onReady: (session: Session) => void
  readonly onEnd: (session: Session, end: SessionEnd) => void
}

export interface SessionComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
}

/**
 * Four lanes out and four lanes in, that live and die together.
 *
 *   opening --(four of ours accepted, four of theirs said HELLO)--> ready --(any lane ends, or `close`)--> over
 *
 * Nothing that a peer sends after HELLO is looked at before `ready`. While it is, each side may move its four lanes to other
 * channels: nothing is lost by that, and nothing changes its place.
 */
export class Session {
  readonly peer: PeerId
  readonly outbox: Outbox
  /** The peer's own name: untrusted. */
  peerName: string | undefined
  readyAt: number | undefined
  readonly #init: SessionInit
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #id: string
  /** The channels that our lanes are written to, once accepted. */
  readonly #outgoing = new Map<Lane, Channel>()
  /** All that we opened and that are not closed yet. */
  readonly #opened = new Set<Channel>()
  readonly #incoming = new Map<Lane, InboundLane>()
  readonly #abort = new AbortController()
  readonly #settled = Promise.withResolvers<void>()
  readonly #deadline: Disposable
  #user: SessionUser | undefined
  #incomingId: string | undefined
  #state: 'opening' | 'ready' | 'over' = 'opening'
  /** Settles when the channels are gone too; never rejects. */
  farewell: Promise<void> = Promise.resolve()

  constructor(init: SessionInit, components: SessionComponents) {
    this.peer = init.peer
    this.#init = init
    this.#transport = components.transport
    this.#clock = components.clock
    this.#id = hexOf(components.random.bytes(SESSION_ID_BYTES))
    this.outbox = new Outbox({
      clock: components.clock,
      onLost: (reason) => this.close({ cause: 'lost', reason }),
    })
    this.#deadline = this.#clock.setTimer(SESSION_TIMEOUT_MS, () =>
      this.close({ cause: 'lost', reason: `lanes were not up after ${SESSION_TIMEOUT_MS} ms: ${this.#missing()}` }),
    )
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  get bytesIn(): number {
    return [...this.#incoming.values()].reduce((sum, lane) => sum + lane.bytesIn, 0)
  }

  get stuckHandlers(): number {
    return [...this.#incoming.values()].reduce((sum, lane) => sum + lane.stuck, 0)
  }

  /** Opens our four lanes: control first, so that a peer that refuses us is asked once and not four times. */
  async open(): Promise<void> {
    try {
      await this.#openLane('control')
      await Promise.all(LANES.filter((lane) => lane !== 'control').map((lane) => this.#openLane(lane)))
    } catch (error) {
      this.close({ cause: 'lost', reason: reasonOf(error) })
    }
  }

  /** Moves our lanes to new channels, which the transport opens on the best link there is. Rejects if one could not be moved. */
  async move(): Promise<void> {
    await Promise.all(LANES.map((lane) => this.#openLane(lane)))
  }

  hasIncoming(lane: Lane): boolean {
    return this.#incoming.has(lane)
  }

  /** Does this lane of the peer belong with those it opened before? */
  belongs(hello: Hello): boolean {
    return this.#incomingId === undefined ? hello.lane === 'control' : this.#incomingId === hello.session
  }

  /** Lets a lane of the peer in and reads it to its end, or goes on with one that it moves. */
  async accept(hello: Hello, channel: Channel): Promise<void> {
    const known = this.#incoming.get(hello.lane)
    if (known !== undefined) return this.#acceptMoved(known, channel)
    const lane = new InboundLane({
      lane: hello.lane,
      channel,
      now: () => this.#clock.monotonic(),
      onFrame: (name, type, payload) => this.#user?.onFrame(name, type, payload),
      dispatch: (delivery) => this.#user?.dispatch(delivery),
      onCredit: (bytes) => this.#user?.onCredit(bytes),
    })
    this.#incoming.set(hello.lane, lane)
    this.#incomingId = hello.session
    if (hello.lane === 'control') this.peerName = hello.name === '' ? undefined : hello.name
    this.#becomeReady()
    try {
      await channel.send(acceptedFrame({ windowBytes: BULK_WINDOW_BYTES }))
    } catch (error) {
      this.close({ cause: 'lost', reason: `the ${hello.lane} lane broke: ${reasonOf(error)}` })
    }
    await this.#settled.promise
    if (this.#state === 'ready') {
      const end = await lane.serve()
      if (end.fault) this.close({ cause: 'closed-by-us', refusal: { code: 'protocol', reason: end.reason } })
      else this.close({ cause: 'lost', reason: end.reason })
    }
    await this.farewell
  }

  async #acceptMoved(lane: InboundLane, channel: Channel): Promise<void> {
    if (lane.moveTo(channel)) await channel.send(acceptedFrame({ windowBytes: BULK_WINDOW_BYTES }))
    else channel.abort(new BusError('ERR_LANE_PROTOCOL', 'the lane is being moved already'))
  }

  releaseStuck(): void {
    for (const lane of this.#incoming.values()) lane.releaseStuck()
  }

  close(end: SessionEnd): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    const reason = end.cause === 'closed-by-us' ? end.refusal.reason : end.reason
    const error = new BusError('ERR_PEER_LOST', reason)
    this.#deadline[Symbol.dispose]()
    this.#abort.abort(error)
    this.outbox.close(error)
    for (const lane of this.#incoming.values()) lane.end()
    this.#settled.resolve()
    this.#user?.onEnd(error)
    this.farewell = this.#leave(error, end.cause === 'closed-by-us' ? end.refusal : undefined)
    this.#init.onEnd(this, end)
  }

  async #openLane(lane: Lane): Promise<void> {
    const work = this.#handshake(lane)
    await withDeadline(work, {
      clock: this.#clock,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      what: `opening the ${lane} lane`,
      signal: this.#abort.signal,
    })
  }

  async #handshake(lane: Lane): Promise<void> {
    const channel = await this.#transport.open(this.peer, LANE_PROTOCOL, { signal: this.#abort.signal })
    if (this.isOver) return channel.abort(new BusError('ERR_PEER_LOST', 'the session ended meanwhile'))
    this.#opened.add(channel)
    void channel.closed.then(() => this.#opened.delete(channel))
    await channel.send(helloFrame({ lane, session: this.#id, name: this.#init.ownName }))
    const accepted = Promise.withResolvers<void>()
    // Heard by nobody when the session ended before the lane was accepted.
    accepted.promise.catch(() => undefined)
    void this.#hear(lane, channel, accepted)
    await accepted.promise
  }

  /** Reads what comes back on a lane of ours: ACCEPTED once, and REFUSED at any time. Never rejects. */
  async #hear(lane: Lane, channel: Channel, accepted: PromiseWithResolvers<void>): Promise<void> {
    const parser = new FrameParser({ maxFrameBytes: HANDSHAKE_FRAME_MAX_BYTES })
    let isAccepted = false
    const lost = (end: SessionEnd): void => {
      if (!this.isReady || this.#outgoing.get(lane) === channel) this.close(end)
    }
    const sink = (type: number, payload: Buffer): string | undefined => {
      if (type === FRAME.refused) return this.#onRefused(payload, lost)
      const answer = type === FRAME.accepted && !isAccepted ? parseAccepted(payload) : undefined
      if (answer === undefined) return `frame type ${type} where ACCEPTED or REFUSED belongs`
      isAccepted = true
      this.#onAccepted(lane, channel, answer.windowBytes)
      accepted.resolve()
      return undefined
    }
    try {
      for (let chunk = await channel.read(); chunk !== undefined && !this.isOver; chunk = await channel.read()) {
        const fault = parser.push(chunk, sink)
        if (fault !== undefined) this.close({ cause: 'closed-by-us', refusal: { code: 'protocol', reason: fault } })
      }
      lost({ cause: 'lost', reason: `the peer closed our ${lane} lane` })
    } catch (error) {
      lost({ cause: 'lost', reason: `our ${lane} lane broke: ${reasonOf(error)}` })
    }
    accepted.reject(new BusError('ERR_PEER_LOST', `our ${lane} lane was not accepted`))
  }

  #onAccepted(lane: Lane, channel: Channel, windowBytes: number): void {
    const before = this.#outgoing.get(lane)
    this.#outgoing.set(lane, channel)
    this.outbox.attach(lane, channel)
    if (before !== undefined) return void before.close()
    // What a lane that moved may have in flight, it has already.
    if (lane === 'bulk') this.outbox.scheduler.setWindow(windowBytes)
    this.#becomeReady()
  }

  #onRefused(payload: Buffer, lost: (end: SessionEnd) => void): string | undefined {
    const refusal = parseRefusal(payload)
    if (refusal === undefined) return 'a REFUSED frame that cannot be read'
    if (refusal.code === 'not-admitted') lost({ cause: 'refused-by-them', reason: refusal.reason })
    else lost({ cause: 'lost', reason: `the peer closed the lanes: ${refusal.reason} (${refusal.code})` })
    return undefined
  }

  #becomeReady(): void {
    if (this.#state !== 'opening' || this.#outgoing.size < LANES.length || this.#incoming.size < LANES.length) return
    this.#state = 'ready'
    this.readyAt = this.#clock.monotonic()
    this.#deadline[Symbol.dispose]()
    this.#user = this.#init.user(this)
    this.#settled.resolve()
    this.#init.onReady(this)
  }

  #missing(): string {
    return `${this.#outgoing.size} of 4 accepted by the peer, ${this.#incoming.size} of 4 opened by it`
  }

  /** Says why where it can be heard, then lets go of every channel. Never rejects. */
  async #leave(error: BusError, refusal: Refusal | undefined): Promise<void> {
    const control = this.#incoming.get('control')?.channel
    if (refusal !== undefined && control !== undefined) await refuse(control, refusal, this.#clock)
    for (const channel of this.#opened) channel.abort(error)
    for (const lane of this.#incoming.values()) lane.abort(error)
  }
}

/** Sends REFUSED on a lane of the peer and gives it a moment to hear. Never rejects. */
export async function refuse(channel: Channel, refusal: Refusal, clock: Clock): Promise<void> {
  const said = channel
    .send(refusedFrame(refusal))
    .then(() => channel.close())
    .then(() => channel.closed)
  const heard = withDeadline(said, { clock, timeoutMs: FAREWELL_TIMEOUT_MS, what: 'saying why' })
  // A peer that does not listen is cut off like one that did: the outcome makes no difference.
  await heard.catch(() => undefined)
  channel.abort(new BusError('ERR_PEER_LOST', refusal.reason))
}
