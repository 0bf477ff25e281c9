import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  StrictNoSign,
  TopicValidatorResult,
} from '@libp2p/gossipsub'
import { createTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import { type Startable, serviceDependencies } from '@libp2p/interface'
import { type PeerId, sha256 } from '../../../base/index.ts'
import { OPEN_MESSAGE_MAX_BYTES, type OpenMesh, type OpenTopicsSocket, type OpenVerdict } from '../../open-topics.ts'

/** What may wait for one peer; beyond it the stream to that peer is reset. gossipsub itself has no back-pressure. */
const WRITE_BUFFER_BYTES: number = 1024 * 1024
/** One frame of the protocol: a few messages, or the lists of ids that peers exchange. */
const FRAME_MAX_BYTES: number = 4 * OPEN_MESSAGE_MAX_BYTES
const TOPIC_MEMORY_PER_PEER_BYTES: number = 64 * 1024

const DECODE_LIMITS = {
  maxSubscriptions: 100,
  maxMessages: 256,
  maxIhaveMessageIDs: 5000,
  maxIwantMessageIDs: 5000,
  maxIdontwantMessageIDs: 512,
  maxControlMessages: 100,
  maxPeerInfos: 0,
} as const

/** Invalid messages count heavily and nothing else does: a quiet topic is no misconduct. */
const TOPIC_SCORE: TopicScoreParams = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -50,
})

const VERDICTS: Readonly<Record<OpenVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

/**
 * The service that carries open topics over gossipsub 1.2, for the `services` of a libp2p node. Its defaults do not fit: it
 * signs each message with a key that it imports anew, holds peers behind one address to be attackers, sends own messages to
 * everyone, and keeps any number of bytes and topics.
 */
export function openTopicsService(socket: OpenTopicsSocket): (components: GossipSubComponents) => Startable {
  return (components) => new GossipService(socket, gossipsub(optionsFor(socket.topics))(components))
}

function optionsFor(topics: readonly string[]): Parameters<typeof gossipsub>[0] {
  return {
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: ({ data }) => sha256(data),
    emitSelf: false,
    fallbackToFloodsub: false,
    floodPublish: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    doPX: false,
    tagMeshPeers: false,
    allowedTopics: [...topics],
    scoreParams: {
      IPColocationFactorWeight: 0,
      topics: Object.fromEntries(topics.map((topic) => [topic, TOPIC_SCORE])),
    },
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    maxOutboundBufferSize: WRITE_BUFFER_BYTES,
    maxInboundDataLength: FRAME_MAX_BYTES,
    maxTopicBytesPerPeer: TOPIC_MEMORY_PER_PEER_BYTES,
    decodeRpcLimits: DECODE_LIMITS,
  }
}

/** Starts and stops with the node, and is plugged in meanwhile. */
class GossipService implements Startable, OpenMesh {
  /** gossipsub meets peers through what identify says of them. */
  readonly [serviceDependencies]: readonly string[] = ['@libp2p/identify']
  readonly #socket: OpenTopicsSocket
  readonly #gossip: GossipSub & Startable

  constructor(socket: OpenTopicsSocket, gossip: GossipSub) {
    this.#socket = socket
    this.#gossip = gossip as GossipSub & Startable
  }

  async start(): Promise<void> {
    await this.#gossip.start()
    this.#socket.plug(this)
  }

  async stop(): Promise<void> {
    this.#socket.unplug(this)
    await this.#gossip.stop()
  }

  join(topic: string): void {
    this.#gossip.topicValidators.set(topic, (via, { data }) => {
      return VERDICTS[this.#socket.judge(topic, data, via.toString() as PeerId)]
    })
    this.#gossip.subscribe(topic)
  }

  leave(topic: string): void {
    this.#gossip.unsubscribe(topic)
    this.#gossip.topicValidators.delete(topic)
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    const { recipients } = await this.#gossip.publish(topic, bytes)
    return recipients.length
  }
}
