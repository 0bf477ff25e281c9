import { type GossipSub, gossipsub, StrictNoSign, TopicValidatorResult } from '@libp2p/gossipsub'
import { createTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import type { Connection, PeerId as Libp2pPeerId, Startable } from '@libp2p/interface'
import { type Clock, isPeerId, type PeerId, sha256, type Timer } from '../../../base/index.ts'
import { OPEN_MESSAGE_MAX_BYTES, type OpenVerdict } from '../../open-topics.ts'
import type { ExtraComponents } from './extra.ts'

/** What may wait for one peer; beyond it the stream to that peer is reset. gossipsub itself has no back-pressure. */
export const GOSSIP_WRITE_BUFFER_BYTES: number = 1024 * 1024
/** A stream that was reset is opened again, at the earliest after this time. */
export const MEND_MS = 10_000
/** One frame of the protocol: a few messages, or the lists of ids that peers exchange. */
const FRAME_MAX_BYTES: number = 4 * OPEN_MESSAGE_MAX_BYTES
/** What the names of a peer's subscriptions may take. */
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

/** The library's class has more than its interface says. */
interface Gossip extends GossipSub, Startable {
  readonly peers: ReadonlyMap<string, Libp2pPeerId>
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  onPeerConnected(peer: Libp2pPeerId, connection: Connection): void
}

export interface GossipServiceInit {
  readonly topics: readonly string[]
  readonly judge: (topic: string, bytes: Uint8Array, via: PeerId) => OpenVerdict
  readonly onStart: (service: GossipService) => void
  readonly onStop: () => void
}

/**
 * gossipsub 1.2 in a libp2p node. Its defaults do not fit: it signs each message with a key that it imports anew, holds peers
 * behind one address to be attackers, sends own messages to everyone, keeps any number of bytes and topics, and forgets a
 * peer whose stream was reset.
 */
export class GossipService implements Startable {
  readonly #init: GossipServiceInit
  readonly #clock: Clock
  readonly #manager: ExtraComponents['connectionManager']
  readonly #gossip: Gossip
  /** Streams that were found reset: the peer took too little. */
  #resets = 0
  #mending: Timer | undefined

  constructor(init: GossipServiceInit, { clock, libp2p }: { readonly clock: Clock; readonly libp2p: ExtraComponents }) {
    this.#init = init
    this.#clock = clock
    this.#manager = libp2p.connectionManager
    this.#gossip = gossipsub(optionsFor(init.topics))(libp2p) as Gossip
  }

  async start(): Promise<void> {
    await this.#gossip.start()
    this.#init.onStart(this)
    this.#mend()
  }

  async stop(): Promise<void> {
    this.#init.onStop()
    this.#mending?.cancel()
    await this.#gossip.stop()
  }

  join(topic: string): void {
    this.#gossip.topicValidators.set(topic, (from, { data }) => {
      const via = from.toString()
      const isSound = isPeerId(via) && data.byteLength <= OPEN_MESSAGE_MAX_BYTES
      return VERDICTS[isSound ? this.#init.judge(topic, data, via) : 'reject']
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

  figures(): Readonly<Record<string, number>> {
    return { openPeers: this.#gossip.streamsOutbound.size, openResets: this.#resets }
  }

  /** Opens streams again that were reset while their connection stayed. */
  #mend(): void {
    for (const [id, peer] of this.#gossip.peers) {
      if (this.#gossip.streamsOutbound.has(id)) continue
      const connection = this.#manager.getConnections(peer).find(({ status }) => status === 'open')
      if (connection === undefined) continue
      this.#resets++
      this.#gossip.onPeerConnected(peer, connection)
    }
    this.#mending = this.#clock.setTimer(MEND_MS, () => this.#mend())
  }
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
    // Kept for who asks, at most for so many seconds.
    mcacheLength: 4,
    mcacheGossip: 3,
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    maxOutboundBufferSize: GOSSIP_WRITE_BUFFER_BYTES,
    maxInboundDataLength: FRAME_MAX_BYTES,
    maxTopicBytesPerPeer: TOPIC_MEMORY_PER_PEER_BYTES,
    decodeRpcLimits: DECODE_LIMITS,
  }
}
