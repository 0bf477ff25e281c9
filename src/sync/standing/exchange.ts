import { type Clock, type PeerId, type SpaceId, withDeadline } from '../../base/index.ts'
import type { Verifier } from '../../identity/index.ts'
import type { Channel } from '../../network/index.ts'
import { decodeFrames, type Frame, type Journal } from '../../records/index.ts'
import type { FormerMember, Spaces } from '../../space/index.ts'
import { SyncError } from '../errors.ts'
import { genuineLogs, proveAdmission } from '../join/admission-proof.ts'
import { controlFrames } from '../join/control-frames.ts'
import { FramedChannel } from '../join/framed-channel.ts'
import { decodeStanding, encodeStanding, STANDING_FRAME_MAX_BYTES, type StandingMessage } from './standing-wire.ts'

/** A whole conversation. */
export const STANDING_TIMEOUT_MS = 20_000
/** Control records that one conversation may bring. */
export const STANDING_MAX_BYTES: number = 4 * 1024 * 1024

export interface ExchangeComponents {
  readonly self: PeerId
  readonly journal: Journal
  readonly spaces: Spaces
  readonly verifier: Verifier
  readonly clock: Clock
}

/** One conversation about one space. */
export class Exchange {
  readonly #use: ExchangeComponents
  readonly #framed: FramedChannel
  readonly #peer: PeerId
  readonly #signal: AbortSignal

  constructor(channel: Channel, components: ExchangeComponents, signal: AbortSignal) {
    this.#use = components
    this.#framed = new FramedChannel(channel)
    this.#peer = channel.peer
    this.#signal = signal
  }

  /** We were refused by a member. */
  async ask(space: SpaceId): Promise<void> {
    await this.#send({ is: 'ask', space })
    const verdict = await this.#read()
    if (verdict.is === 'removed') return this.#learn(space, await this.#readControl())
    if (verdict.is !== 'show') return
    for (const frames of controlFrames(space, this.#use)) await this.#send({ is: 'control', frames })
    await this.#send({ is: 'end' })
    await this.#read()
  }

  /** The peer, or this device itself, was a member and is none now. */
  async tell(space: SpaceId, former: FormerMember): Promise<void> {
    await this.#send({ is: 'tell', space })
    await this.#sendWhatRemoved(space, former)
    // It has heard: now the link may be closed.
    await this.#read()
  }

  /** Answers whatever the peer begins. */
  async answer(mayAsk: boolean): Promise<void> {
    const { spaces } = this.#use
    const message = await this.#read()
    if (message.is === 'tell') {
      // Only those whom we take for members have a say, and only what is signed by who may say it counts.
      const isMember = spaces.roleOf(message.space, this.#peer) !== undefined
      if (!isMember || !mayAsk) throw new SyncError('ERR_SYNC_MALFORMED', 'it has nothing to tell here')
      this.#learn(message.space, await this.#readControl())
      return await this.#send({ is: 'end' })
    }
    if (message.is !== 'ask') throw new SyncError('ERR_SYNC_MALFORMED', 'a conversation begins with a question')
    await this.#answerFor(message.space, mayAsk)
  }

  async #answerFor(space: SpaceId, mayAsk: boolean): Promise<void> {
    const { spaces, self } = this.#use
    if (!mayAsk) return this.#send({ is: 'unknown' })
    const isMember = spaces.roleOf(space, this.#peer) !== undefined
    const weAre = spaces.roleOf(space, self) !== undefined
    if (isMember && weAre) return this.#send({ is: 'member' })
    // A member that has not heard that we left or have another key; or one that has not heard that it was removed.
    const former = spaces.former(space).find(({ peer }) => peer === (isMember ? self : this.#peer))
    if (former !== undefined && (isMember || weAre)) {
      await this.#send({ is: 'removed' })
      return this.#sendWhatRemoved(space, former)
    }
    if (!weAre) return this.#send({ is: 'unknown' })
    await this.#send({ is: 'show' })
    const frames = await this.#readControl()
    const { verifier, journal } = this.#use
    for (const log of proveAdmission(frames, { space, self: this.#peer, verifier })) journal.ingest(space, log, 'run')
    journal.retryParked(space)
    await this.#send({ is: spaces.roleOf(space, this.#peer) === undefined ? 'unknown' : 'member' })
  }

  /**
   * The control records from the beginning to the removal, by their time: what it rests on was written before it, and nothing newer
   * is for who was removed.
   */
  async #sendWhatRemoved(space: SpaceId, { peer, revocations }: FormerMember): Promise<void> {
    const { journal, self } = this.#use
    const removals = revocations.map((id) => journal.record(id)?.hlc ?? 0)
    // Members may know all that we know of ourselves.
    const untilHlc = peer === self ? Number.POSITIVE_INFINITY : Math.max(0, ...removals)
    for (const frames of controlFrames(space, this.#use, untilHlc)) await this.#send({ is: 'control', frames })
    await this.#send({ is: 'end' })
  }

  /** What we hear counts by our own evaluation, or not at all. */
  #learn(space: SpaceId, frames: readonly Frame[]): void {
    const { journal, verifier } = this.#use
    for (const log of genuineLogs(frames, { space, verifier })) journal.ingest(space, log, 'run')
    journal.retryParked(space)
  }

  async #readControl(): Promise<readonly Frame[]> {
    const frames: Frame[] = []
    let bytes = 0
    for (;;) {
      const message = await this.#read()
      if (message.is === 'end') return frames
      if (message.is !== 'control') throw new SyncError('ERR_SYNC_MALFORMED', 'its parts are out of order')
      bytes += message.frames.byteLength
      if (bytes > STANDING_MAX_BYTES) {
        throw new SyncError('ERR_SYNC_MALFORMED', `it is longer than ${STANDING_MAX_BYTES} bytes`)
      }
      frames.push(...decodeFrames(message.frames))
    }
  }

  async #send(message: StandingMessage): Promise<void> {
    await this.#framed.send(encodeStanding(message), { signal: this.#signal })
  }

  async #read(): Promise<StandingMessage> {
    return decodeStanding(await this.#framed.read(STANDING_FRAME_MAX_BYTES, { signal: this.#signal }))
  }
}

/** Runs a conversation to its end or its deadline, and closes the stream. Rejects with what ended it. */
export async function converse(
  channel: Channel,
  components: ExchangeComponents,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  work: (exchange: Exchange) => Promise<void>,
): Promise<void> {
  const { timeoutMs, signal } = options
  const limit = new AbortController()
  const exchange = new Exchange(channel, components, AbortSignal.any([signal, limit.signal]))
  try {
    const { clock } = components
    await withDeadline(work(exchange), { clock, timeoutMs, what: 'a conversation about membership', signal })
    await channel.close()
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error('the conversation failed'))
    throw error
  } finally {
    limit.abort(new SyncError('ERR_SYNC_STOPPED', 'the conversation is over'))
  }
}
