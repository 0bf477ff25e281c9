/**
 * Layer 2, the durable pillar: signed records in hash-chained logs, and the views folded from them (docs/specs/records.md).
 */
export { endOfTurn } from './adapters/end-of-turn.ts'
export { APPEND_QUEUE_MAX_BYTES, APPEND_QUEUE_MAX_RECORDS, COMMIT_MAX_RECORDS } from './append.ts'
export { bodyHashOf, decodeBody, encodeBody } from './body.ts'
export { beginIncarnation, type SpaceContents, storeContents } from './contents.ts'
export { RecordsError, type RecordsErrorCode } from './errors.ts'
export { decodeForkProof, encodeForkProof, FORK_PROOF_MAX_BYTES } from './fork-proof.ts'
export { decodeFrame, decodeFrames, encodeFrame, encodeFrames, frameBytes, isSignedBy, signHeader } from './frame.ts'
export { decodeHeader, encodeHeader, HEADER_MAX_BYTES, RECORD_SIGNATURE_TAG, recordIdBytes } from './header.ts'
export { createJournal, type JournalComponents, type JournalInit } from './journal.ts'
export type { IngestReport, Journal, JournalEvents, News, RefusalReason, SpaceUsage } from './journal-types.ts'
export { PARKED_MAX_PER_LOG, PARKED_MAX_PER_SPACE } from './log-rules.ts'
export { QUERY_MAX_RECORDS } from './query-conditions.ts'
export { DEFAULT_QUOTA } from './quotas.ts'
export { type SalvagedFrame, type SalvageReport, salvageControl, salvageFrames } from './salvage.ts'
export { recordsSchema } from './schema.ts'
export {
  type Authority,
  type AuthorityVerdict,
  BODY_MAX_BYTES,
  BODY_SALT_BYTES,
  type BodyCipher,
  type BodyMap,
  type CipherPlace,
  type DamagedRecord,
  type Draft,
  FLAG_ENCRYPTED,
  FLAG_HAS_EXPIRY,
  FLAG_PRUNE_POINT,
  type Fork,
  type ForkProof,
  type Frame,
  GENESIS_KIND,
  type Header,
  KIND_RANGES,
  LOG_CLASS,
  LOG_NAME_BYTES,
  type LogClass,
  type LogHead,
  type LogRule,
  NO_RULE,
  type RecordPlace,
  type RecordQuery,
  RUN_MAX_BYTES,
  RUN_MAX_FRAMES,
  type SpaceQuota,
  type StoredRecord,
  type View,
  type VoidedRun,
  type Write,
} from './types.ts'
export { ENTITY_MAX_RECORDS } from './views.ts'
export { VOIDED_MAX_BYTES_PER_SPACE, VOIDED_MAX_PER_SPACE } from './voided-table.ts'
