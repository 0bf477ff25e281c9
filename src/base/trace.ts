import { hexOf } from './bytes.ts'
import type { Random } from './random.ts'

/** A traceparent of version 00 has so many characters. */
export const TRACEPARENT_CHARS = 55

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const ZEROS = /^0+$/
/** `sampled` and `random`; what the other bits will mean is not known yet, and they are not passed on. */
const KNOWN_FLAGS = 0x03
const SAMPLED = 0x01
/** Of what is read at all: later versions may add to the four fields. */
const TEXT_MAX_CHARS = 512

/** One step of a trace: an operation here, or the answering of a request. */
export interface Span {
  /** 32 hexadecimal digits, the same wherever one cause has effects. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  readonly parentSpanId: string | undefined
  /** What to send with everything that this step causes. */
  readonly traceparent: string
}

interface Parent {
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
}

/**
 * Reads a traceparent (W3C Trace Context, section 3.2): version 00 exactly, later ones by what they share with it.
 * `undefined` for anything else.
 */
function parseTraceparent(text: string): Parent | undefined {
  if (text.length < TRACEPARENT_CHARS || text.length > TEXT_MAX_CHARS) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS }
}

export function isTraceparent(text: string): boolean {
  return parseTraceparent(text) !== undefined
}

/** A new span: it continues the trace of `cause`, a traceparent, or begins a trace of its own where there is none or it is malformed. */
export function startSpan(random: Random, cause = ''): Span {
  const parent = parseTraceparent(cause)
  const traceId = parent?.traceId ?? hexOf(random.bytes(16))
  const spanId = hexOf(random.bytes(8))
  const flags = (parent?.flags ?? SAMPLED).toString(16).padStart(2, '0')
  return { traceId, spanId, parentSpanId: parent?.spanId, traceparent: `00-${traceId}-${spanId}-${flags}` }
}
