import { bytesEqual } from '../base/index.ts'
import { SIGNATURE_BYTES } from '../identity/index.ts'
import { isBodyOf } from './body.ts'
import { RecordsError } from './errors.ts'
import { classOfLog, decodeHeader, isZero, logKeyOfHeader, recordIdBytes } from './header.ts'
import type { RefusalReason } from './journal-types.ts'
import type { FrameFacts, Link } from './log-rules.ts'
import { BODY_MAX_BYTES, type Frame, GENESIS_KIND, type Header, LOG_CLASS } from './types.ts'

/** A frame on its way into the journal. */
export interface Candidate extends Link, FrameFacts {
  readonly frame: Frame
  readonly header: Header
  /** Whether its own signature is valid; undefined until somebody looked. */
  signature: boolean | undefined
}

/** A frame whose header is one. What it says is judged later; a frame that says nothing is refused at once. */
export function candidateOf(
  frame: Frame,
  isAhead: (hlc: number) => boolean,
): Candidate | { readonly refuse: RefusalReason } {
  if (frame.signature.length !== SIGNATURE_BYTES) return { refuse: 'malformed' }
  if (frame.body !== null && frame.body.length > BODY_MAX_BYTES) return { refuse: 'too-large' }
  try {
    const header = decodeHeader(frame.header)
    return {
      frame,
      header,
      key: logKeyOfHeader(frame.header),
      seq: header.seq,
      prev: header.prev,
      id: recordIdBytes(frame.header),
      flags: header.flags,
      ahead: isAhead(header.hlc),
      signature: undefined,
    }
  } catch (error) {
    if (error instanceof RecordsError) return { refuse: reasonOfCode(error) }
    throw error
  }
}

function reasonOfCode({ code }: RecordsError): RefusalReason {
  if (code === 'ERR_RECORD_TOO_LARGE') return 'too-large'
  return code === 'ERR_RECORD_NOT_CANONICAL' ? 'not-canonical' : 'malformed'
}

/** A genesis cannot name its space, whose id is its own. */
export function isGenesisOf(space: Uint8Array, { header, id }: Candidate): boolean {
  const { seq, kind, log } = header
  return (
    seq === 1 &&
    kind === GENESIS_KIND &&
    classOfLog(log) === LOG_CLASS.control &&
    bytesEqual(id, space) &&
    isZero(header.space)
  )
}

export function isOfSpace(space: Uint8Array, candidate: Candidate): boolean {
  return bytesEqual(candidate.header.space, space) || isGenesisOf(space, candidate)
}

/** Whether the body is the one that was signed. It may be missing, but not from a control record: those never lose theirs. */
export function hasItsBody({ frame, header }: Candidate): boolean {
  return frame.body === null ? classOfLog(header.log) !== LOG_CLASS.control : isBodyOf(header, frame.body)
}
