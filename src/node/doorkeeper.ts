import {
  type Clock,
  type Component,
  type ComponentStatus,
  type Logger,
  type PeerId,
  reasonOf,
  type Timer,
} from '../base/index.ts'
import type { Link, Transport } from '../network/index.ts'

/** Links that peers of no common space may have to us at one time; beyond it the oldest of them is closed. */
export const STRANGERS_MAX = 32
/** Long enough for a join, from the request to the end of the answer. */
export const STRANGER_TIMEOUT_MS = 90_000
const LOOK_INTERVAL_MS = 5_000

export interface DoorkeeperComponents {
  readonly transport: Pick<Transport, 'events' | 'links' | 'disconnect'>
  readonly isMember: (peer: PeerId) => boolean
  /** Strangers have business here as long as there is room: they listen to open topics. Default false. */
  readonly strangersStay?: boolean
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Keeps room for members. Whoever knows our address may link to us, to join with a ticket; but the links we can have are
 * few, and a stranger who does not join has no business to stay.
 */
export class Doorkeeper implements Component {
  readonly name = 'door'
  readonly #use: DoorkeeperComponents
  /** Since when, monotonic; the oldest first. */
  readonly #strangers = new Map<PeerId, number>()
  #subscriptions: DisposableStack | undefined
  #timer: Timer | undefined
  #closed = 0
  #since: number

  constructor(components: DoorkeeperComponents) {
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#subscriptions !== undefined) return
    const { transport, clock } = this.#use
    const subscriptions = new DisposableStack()
    this.#subscriptions = subscriptions
    this.#since = clock.now()
    subscriptions.use(transport.events.on('peer:connect', (link) => this.#receive(link)))
    subscriptions.use(transport.events.on('peer:disconnect', ({ peer }) => void this.#strangers.delete(peer)))
    this.#look()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#subscriptions?.dispose()
    this.#subscriptions = undefined
    this.#strangers.clear()
    this.#since = this.#use.clock.now()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const state = this.#subscriptions === undefined ? 'stopped' : 'ok'
    return { state, since: this.#since, figures: { strangers: this.#strangers.size, strangersClosed: this.#closed } }
  }

  /** Whom we dialled ourselves we have business with. */
  #receive({ peer, direction }: Link): void {
    if (direction === 'outbound' || this.#use.isMember(peer) || this.#strangers.has(peer)) return
    this.#strangers.set(peer, this.#use.clock.monotonic())
    for (const oldest of this.#strangers.keys()) {
      if (this.#strangers.size <= STRANGERS_MAX) break
      this.#turnOut(oldest, 'too many peers of no common space are linked')
    }
  }

  #look(): void {
    const { transport, clock } = this.#use
    for (const link of transport.links()) this.#receive(link)
    const late = clock.monotonic() - STRANGER_TIMEOUT_MS
    for (const [peer, since] of this.#strangers) {
      if (since <= late && this.#use.strangersStay !== true) this.#turnOut(peer, 'there is no common space')
    }
    this.#timer = clock.setTimer(LOOK_INTERVAL_MS, () => this.#look())
  }

  /** Unless it has joined meanwhile. */
  #turnOut(peer: PeerId, reason: string): void {
    const { transport, isMember, log } = this.#use
    this.#strangers.delete(peer)
    if (isMember(peer)) return
    this.#closed++
    transport.disconnect(peer, reason).catch((error: unknown) => {
      log.debug({ peer, reason: reasonOf(error) }, 'a stranger was not disconnected cleanly')
    })
  }
}
