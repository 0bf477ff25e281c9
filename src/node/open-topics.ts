import { BaseError } from '../base/index.ts'
import { isOpenTopic, isTopic } from '../bus/index.ts'
import { type GossipTopics, type GossipTopicsComponents, gossipTopics } from '../network/index.ts'

/** The open topics that a node takes part in, if any. Throws `ERR_INVALID_ARGUMENT` for what is no name of one. */
export function chosenOpenTopics(
  topics: readonly string[],
  components: GossipTopicsComponents,
): GossipTopics | undefined {
  for (const topic of topics) {
    if (isOpenTopic(topic) && isTopic(topic)) continue
    throw new BaseError('ERR_INVALID_ARGUMENT', `not the name of an open topic: ${JSON.stringify(topic)}`, {
      fix: 'Begin it with "open/", e.g. open/papers.',
    })
  }
  return topics.length === 0 ? undefined : gossipTopics({ topics })(components)
}
