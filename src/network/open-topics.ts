import type { PeerId } from '../base/index.ts'

/** The largest message on an open topic, bytes: they are for notices, content is fetched. */
export const OPEN_MESSAGE_MAX_BYTES: number = 64 * 1024
export const OPEN_TOPICS_MAX = 32

/** What a listener makes of a message: pass it on; do not; do not, and think less of the peer that brought it. */
export type OpenVerdict = 'accept' | 'ignore' | 'reject'

/** Judges each message once, however many peers bring it; `via` is the one that brought it, not its author. Must not throw. */
export type OpenJudge = (bytes: Uint8Array, via: PeerId) => OpenVerdict

/**
 * Topics that anybody may join who speaks the protocol of the mesh: bytes to all who listen, passed on by them. Nothing is
 * promised about delivery, order or authors: that is for the user of this port, who signs and numbers.
 */
export interface OpenTopics {
  /** Fixed: messages and subscriptions of others are refused for any other topic. */
  readonly topics: readonly string[]
  /** Resolves with the number of peers that it was handed to. Rejects with `ERR_LIFECYCLE` while the network does not run. */
  publish(topic: string, bytes: Uint8Array): Promise<number>
  /** Listens. One listener per topic. */
  join(topic: string, judge: OpenJudge): Disposable
  figures(): Readonly<Record<string, number>>
}
