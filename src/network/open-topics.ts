import { BaseError, type PeerId } from '../base/index.ts'

/** The largest message on an open topic, bytes: they are for notices, content is fetched. */
export const OPEN_MESSAGE_MAX_BYTES: number = 64 * 1024

/** What a listener makes of a message: pass it on; do not; do not, and think less of the peer that brought it. */
export type OpenVerdict = 'accept' | 'ignore' | 'reject'

/** Judges each message once, however many peers bring it; `via` is the one that brought it, not its author. */
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
}

/** What carries open topics: one adapter of the network, while it runs. */
export interface OpenMesh {
  publish(topic: string, bytes: Uint8Array): Promise<number>
  join(topic: string): void
  leave(topic: string): void
}

/** The port, and the socket that an adapter plugs its mesh into: made before the network, it outlives its restarts. */
export class OpenTopicsSocket implements OpenTopics {
  readonly topics: readonly string[]
  readonly #judges = new Map<string, OpenJudge>()
  #mesh: OpenMesh | undefined

  constructor(init: { readonly topics: readonly string[] }) {
    this.topics = [...new Set(init.topics)]
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    this.#assertKnown(topic)
    if (bytes.byteLength > OPEN_MESSAGE_MAX_BYTES) {
      throw new BaseError('ERR_INVALID_ARGUMENT', `${bytes.byteLength} bytes are too many for an open topic`)
    }
    if (this.#mesh === undefined) throw new BaseError('ERR_LIFECYCLE', 'the network that carries open topics is not up')
    return this.#mesh.publish(topic, bytes)
  }

  join(topic: string, judge: OpenJudge): Disposable {
    this.#assertKnown(topic)
    if (this.#judges.has(topic)) throw new BaseError('ERR_INVALID_ARGUMENT', `${topic} has a listener already`)
    this.#judges.set(topic, judge)
    this.#mesh?.join(topic)
    return {
      [Symbol.dispose]: () => {
        if (this.#judges.get(topic) !== judge) return
        this.#judges.delete(topic)
        this.#mesh?.leave(topic)
      },
    }
  }

  /** For the adapter. */
  plug(mesh: OpenMesh): void {
    this.#mesh = mesh
    for (const topic of this.#judges.keys()) mesh.join(topic)
  }

  unplug(mesh: OpenMesh): void {
    if (this.#mesh === mesh) this.#mesh = undefined
  }

  /** For the adapter: what our listener makes of a message. */
  judge(topic: string, bytes: Uint8Array, via: PeerId): OpenVerdict {
    if (bytes.byteLength > OPEN_MESSAGE_MAX_BYTES) return 'reject'
    return this.#judges.get(topic)?.(bytes, via) ?? 'ignore'
  }

  #assertKnown(topic: string): void {
    if (!this.topics.includes(topic)) throw new BaseError('ERR_INVALID_ARGUMENT', `${topic} is not an open topic here`)
  }
}
