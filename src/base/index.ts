/**
 * Layer 0: what every other module stands on. Nothing here knows about peers, records or agents.
 */
export { abortable, whenAborted } from './abort.ts'
export { createPrivateFile, type PrivateFileFault, readPrivateFile, syncToDisk } from './adapters/private-file.ts'
export { systemClock } from './adapters/system-clock.ts'
export { systemRandom } from './adapters/system-random.ts'
export {
  BoundedQueue,
  type BoundedQueueInit,
  OVERFLOW_POLICIES,
  type OverflowPolicy,
  type QueueWaitOptions,
} from './bounded-queue.ts'
export { bytesEqual, bytesOfHex, concatBytes, HASH_BYTES, hexOf, isHex, sha256, utf8 } from './bytes.ts'
export { decodeCanonicalCbor, decodeCbor, encodeCbor, tryDecodeCbor } from './cbor.ts'
export { CBOR_MAX_DEPTH } from './cbor-format.ts'
export { type CborValue, isList, isMap } from './cbor-value.ts'
export { type Clock, type Timer, VirtualClock } from './clock.ts'
export { compareText } from './compare-text.ts'
export {
  BaseError,
  type BaseErrorCode,
  codeOf,
  type ErrorReport,
  errnoOf,
  errorReport,
  PlexusError,
  type PlexusErrorOptions,
  reasonOf,
} from './errors.ts'
export { Events } from './events.ts'
export { HLC_MAX_AHEAD_MS, HLC_STEPS_PER_MS, HybridClock, hlcToMs } from './hybrid-clock.ts'
export {
  isPeerId,
  isRecordId,
  isSpaceId,
  keyOfPeerId,
  type PeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  type RecordId,
  recordIdOf,
  type SpaceId,
  shortPeerId,
  spaceIdOf,
} from './ids.ts'
export { keepNewest } from './keep-newest.ts'
export {
  type Component,
  type ComponentState,
  type ComponentStatus,
  delay,
  type StartOptions,
  withDeadline,
} from './lifecycle.ts'
export { LOG_LEVELS, type Logger, type LogLevel, REDACTED, silentLogger } from './logger.ts'
export {
  type Caller,
  type InputSchema,
  type Operation,
  type OperationContext,
  type OperationType,
  operation,
  operationOf,
} from './operation.ts'
export { plainLine, plainName, plainText, quotedLine } from './plain-text.ts'
export { jitter, type Random, randomInt, seededRandom } from './random.ts'
export { TokenBucket, type TokenBucketInit } from './token-bucket.ts'
export { isTraceparent, type Span, startSpan, TRACEPARENT_CHARS } from './trace.ts'
