/** Live messaging between peers over kept lanes: topics, direct messages, requests, queries to many, presence. */
export { type BusComponents, type BusInit, createBus } from './bus.ts'
export { BUS_COUNTERS } from './counters.ts'
export { BusError, type BusErrorCode, type BusErrorOptions } from './errors.ts'
export type { Handlers } from './handlers.ts'
export { LANE_PROTOCOL } from './limits.ts'
export { openAdmission } from './open-admission.ts'
export { isOpenTopic, isTopic } from './topics.ts'
export {
  type Admission,
  type AdmissionVerdict,
  type Bus,
  type BusEvents,
  LANES,
  type Lane,
  type LinkState,
  MESSAGE_MAX_BYTES,
  type Message,
  type MessageHandler,
  type PeerPresence,
  PRIORITIES,
  type Priority,
  type PublishReport,
  type QueryAnswer,
  type QueryOptions,
  type QueryResult,
  REQUEST_TIMEOUT_MS,
  type RequestContext,
  type RequestOptions,
  type Responder,
  type SendOptions,
  type SingleRequestOptions,
  type SubscribeOptions,
  type Subscription,
  TOPIC_MAX_CHARS,
} from './types.ts'
