import { type Clock, codeOf, type Events, type PeerId, whenAborted } from '../base/index.ts'
import type { Dialogue } from './dialogue.ts'
import { BusError } from './errors.ts'
import { FRAME, replyFrame } from './frames.ts'
import { outgoing } from './lane-queue.ts'
import { REPEATS_WAITING_MAX } from './limits.ts'
import type { Ask } from './questions.ts'
import type { BusEvents } from './types.ts'

/** A request that may be asked again, each time with the time that is left. */
export interface RepeatableAsk extends Omit<Ask, 'frame'> {
  frameFor(timeoutMs: number): Uint8Array
}

export interface RepeatsComponents {
  /** Throws `BusError` when the peer is not ready. */
  readonly dialogue: (peer: PeerId) => Dialogue
  /** Asks through another member; nothing if there are lanes, or nobody who would. */
  readonly roundabout: (peer: PeerId, ask: Ask) => Promise<Uint8Array> | undefined
  readonly events: Events<BusEvents>
  readonly clock: Clock
}

/** The asker's half of requests that outlive a lost link: asked through another member, and whenever the peer becomes ready, until the deadline. */
export class Repeats {
  readonly #use: RepeatsComponents
  readonly #waiting = new Set<(error: unknown) => void>()

  constructor(components: RepeatsComponents) {
    this.#use = components
  }

  async request(peer: PeerId, ask: RepeatableAsk, direct = false): Promise<Uint8Array> {
    const { clock, dialogue } = this.#use
    const deadline = clock.monotonic() + ask.timeoutMs
    for (;;) {
      const passedOn = direct ? undefined : await this.#askAround(peer, ask, deadline)
      if (passedOn !== undefined) return passedOn
      await this.#ready(peer, deadline, ask.signal)
      const asked = dialogue(peer)
      const timeoutMs = Math.max(1, Math.ceil(deadline - clock.monotonic()))
      try {
        const answer = await asked.questions.request({ ...ask, timeoutMs, frame: ask.frameFor(timeoutMs) })
        release(asked, ask)
        return answer
      } catch (error) {
        if (codeOf(error) === 'ERR_PEER_LOST') continue
        release(asked, ask)
        throw error
      }
    }
  }

  /** The answer through another member; nothing if nobody passes the request on, or on no further. */
  async #askAround(peer: PeerId, ask: RepeatableAsk, deadline: number): Promise<Uint8Array | undefined> {
    const timeoutMs = Math.max(1, Math.ceil(deadline - this.#use.clock.monotonic()))
    try {
      return await this.#use.roundabout(peer, { ...ask, timeoutMs, frame: ask.frameFor(timeoutMs) })
    } catch (error) {
      if (codeOf(error) === 'ERR_PEER_NOT_READY') return undefined
      throw error
    }
  }

  stop(error: BusError): void {
    for (const reject of this.#waiting) reject(error)
  }

  /** Rejects, at the deadline, with why the peer is not ready. */
  async #ready(peer: PeerId, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, dialogue, events } = this.#use
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (onError: (error: unknown) => void): void => {
      try {
        dialogue(peer)
        resolve()
      } catch (error) {
        onError(error)
      }
    }
    look((error) => {
      if (codeOf(error) !== 'ERR_PEER_NOT_READY') reject(error)
      else if (this.#waiting.size >= REPEATS_WAITING_MAX) {
        reject(new BusError('ERR_OVERLOADED', 'too many requests wait for their peers to be ready'))
      }
    })
    using _ready = events.on('peer:ready', (ready) => {
      if (ready.peer === peer) resolve()
    })
    using _deadline = clock.setTimer(deadline - clock.monotonic(), () => look(reject))
    using _abort = whenAborted(signal, reject)
    this.#waiting.add(reject)
    try {
      await promise
    } finally {
      this.#waiting.delete(reject)
    }
  }
}

/** Nobody will ask again: the peer need not remember. */
function release({ session }: Dialogue, { id, priority }: RepeatableAsk): void {
  session.outbox.offer(priority, outgoing(replyFrame(FRAME.cancel, id), Number.POSITIVE_INFINITY))
}
