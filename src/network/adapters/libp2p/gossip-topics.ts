import { BaseError, type Clock } from '../../../base/index.ts'
import { OPEN_MESSAGE_MAX_BYTES, OPEN_TOPICS_MAX, type OpenJudge, type OpenTopics } from '../../open-topics.ts'
import type { ExtraComponents, Libp2pExtra } from './extra.ts'
import type { GossipService } from './gossip-service.ts'

export interface GossipTopicsInit {
  readonly topics: readonly string[]
}

export interface GossipTopicsComponents {
  readonly clock: Clock
}

/** Open topics over gossipsub, to be passed to `libp2pTransport` as an extra (docs/specs/open-topics.md). */
export function gossipTopics(init: GossipTopicsInit): (components: GossipTopicsComponents) => GossipTopics {
  return (components) => new GossipTopics(init, components)
}

/** The port, into which the service is plugged while the network runs. */
export class GossipTopics implements OpenTopics, Libp2pExtra {
  readonly name = 'openTopics'
  readonly topics: readonly string[]
  readonly #use: GossipTopicsComponents
  readonly #judges = new Map<string, OpenJudge>()
  #service: GossipService | undefined

  constructor(init: GossipTopicsInit, components: GossipTopicsComponents) {
    this.topics = [...new Set(init.topics)]
    this.#use = components
    if (this.topics.length > OPEN_TOPICS_MAX) {
      throw new BaseError('ERR_INVALID_ARGUMENT', `${this.topics.length} open topics; at most ${OPEN_TOPICS_MAX}`)
    }
  }

  async load(): Promise<(components: ExtraComponents) => GossipService> {
    const { GossipService } = await import('./gossip-service.ts')
    return (components) =>
      new GossipService(
        {
          topics: this.topics,
          judge: (topic, bytes, via) => this.#judges.get(topic)?.(bytes, via) ?? 'ignore',
          onStart: (service) => {
            this.#service = service
            for (const topic of this.#judges.keys()) service.join(topic)
          },
          onStop: () => {
            this.#service = undefined
          },
        },
        { ...this.#use, libp2p: components },
      )
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    this.#assertKnown(topic)
    if (bytes.byteLength > OPEN_MESSAGE_MAX_BYTES) {
      throw new BaseError('ERR_INVALID_ARGUMENT', `${bytes.byteLength} bytes are too many for an open topic`)
    }
    if (this.#service === undefined)
      throw new BaseError('ERR_LIFECYCLE', 'the network that carries open topics is not up')
    return await this.#service.publish(topic, bytes)
  }

  join(topic: string, judge: OpenJudge): Disposable {
    this.#assertKnown(topic)
    if (this.#judges.has(topic)) throw new BaseError('ERR_INVALID_ARGUMENT', `${topic} has a listener already`)
    this.#judges.set(topic, judge)
    this.#service?.join(topic)
    return {
      [Symbol.dispose]: () => {
        if (this.#judges.get(topic) !== judge) return
        this.#judges.delete(topic)
        this.#service?.leave(topic)
      },
    }
  }

  figures(): Readonly<Record<string, number>> {
    return this.#service?.figures() ?? {}
  }

  #assertKnown(topic: string): void {
    if (!this.topics.includes(topic)) throw new BaseError('ERR_INVALID_ARGUMENT', `${topic} is not an open topic here`)
  }
}
