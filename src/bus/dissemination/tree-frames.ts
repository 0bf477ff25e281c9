import { bytesOfHex, type CborValue, encodeCbor, hexOf, PUBLIC_KEY_BYTES, tryDecodeCbor } from '../../base/index.ts'
import { SIGNATURE_BYTES } from '../../identity/index.ts'
import { FRAME, frame } from '../frames.ts'
import { CLAIMS_MAX, RANGES_MAX, WANTS_MAX } from '../limits.ts'
import { isTopic } from '../topics.ts'
import { PRIORITIES, type Priority } from '../types.ts'
import type { NumberRange } from './inflow.ts'
import { PREFIX_BYTES } from './numbering.ts'

/** Names a stream on the wire. */
export interface StreamName {
  /** Ed25519 public key. */
  readonly author: Uint8Array
  /** 16 hexadecimal digits. */
  readonly prefix: string
}

/** What a neighbour says it has of a stream. */
export interface Claim extends StreamName {
  readonly priority: Priority
  /** The highest number. */
  readonly head: number
  /** How many hops that one came. */
  readonly round: number
}

/** What a neighbour asks for. */
export interface Want extends StreamName {
  readonly ranges: readonly NumberRange[]
}

const ROUND_BYTES = 1
const ROUND_MAX = 255

/** SPREAD: a signed message on its way along the tree. `round` counts hops; nobody signs it. */
export function spreadFrame(round: number, signature: Uint8Array, envelope: Uint8Array): Uint8Array {
  return frame(FRAME.spread, Uint8Array.of(Math.min(round, ROUND_MAX)), signature, envelope)
}

export interface Spread {
  readonly round: number
  readonly signature: Uint8Array
  readonly envelope: Uint8Array
}

export function parseSpread(payload: Uint8Array): Spread | undefined {
  const [round] = payload
  if (round === undefined || payload.byteLength <= ROUND_BYTES + SIGNATURE_BYTES) return undefined
  const signature = payload.subarray(ROUND_BYTES, ROUND_BYTES + SIGNATURE_BYTES)
  return { round, signature, envelope: payload.subarray(ROUND_BYTES + SIGNATURE_BYTES) }
}

export function announceFrame(group: string, claims: readonly Claim[]): Uint8Array {
  const rows = claims.map(({ author, prefix, priority, head, round }): CborValue => {
    return [author, bytesOfHex(prefix), PRIORITIES.indexOf(priority), head, round]
  })
  return frame(FRAME.announce, encodeCbor([group, rows]))
}

export function parseAnnounce(payload: Uint8Array): { readonly group: string; readonly claims: Claim[] } | undefined {
  const parsed = parseRows(payload, CLAIMS_MAX, claimOf)
  return parsed === undefined ? undefined : { group: parsed.group, claims: parsed.rows }
}

/** GRAFT: be my parent, and give me these. */
export function graftFrame(group: string, wants: readonly Want[]): Uint8Array {
  return wantsFrame(FRAME.graft, group, wants)
}

/** WANT: give me these. */
export function wantFrame(group: string, wants: readonly Want[]): Uint8Array {
  return wantsFrame(FRAME.want, group, wants)
}

function wantsFrame(type: number, group: string, wants: readonly Want[]): Uint8Array {
  const rows = wants.map(({ author, prefix, ranges }): CborValue => {
    return [author, bytesOfHex(prefix), ranges.map(([from, to]) => [from, to])]
  })
  return frame(type, encodeCbor([group, rows]))
}

/** Of GRAFT and WANT. */
export function parseWants(payload: Uint8Array): { readonly group: string; readonly wants: Want[] } | undefined {
  const parsed = parseRows(payload, WANTS_MAX, wantOf)
  return parsed === undefined ? undefined : { group: parsed.group, wants: parsed.rows }
}

/** PRUNE: I have what you push from others already. */
export function pruneFrame(group: string): Uint8Array {
  return frame(FRAME.prune, encodeCbor([group, []]))
}

export function parsePrune(payload: Uint8Array): string | undefined {
  return parseRows(payload, 0, () => undefined)?.group
}

/** MARK: on the lane of its stream, behind everything that was sent of it: so far it goes. */
export interface Mark {
  readonly group: string
  readonly prefix: string
  readonly count: number
}

export function markFrame({ group, prefix, count }: Mark): Uint8Array {
  return frame(FRAME.mark, encodeCbor([group, [[bytesOfHex(prefix), count]]]))
}

export function parseMark(payload: Uint8Array): Mark | undefined {
  const parsed = parseRows(payload, 1, (row) => {
    const [prefix, count] = row
    if (row.length !== 2 || !isBytes(prefix, PREFIX_BYTES) || !isCount(count)) return undefined
    return { prefix: hexOf(prefix), count }
  })
  const mark = parsed?.rows[0]
  return parsed === undefined || mark === undefined ? undefined : { group: parsed.group, ...mark }
}

function claimOf(row: readonly CborValue[]): Claim | undefined {
  const [author, prefix, rank, head, round] = row
  const priority = typeof rank === 'number' ? PRIORITIES[rank] : undefined
  if (row.length !== 5 || !isBytes(author, PUBLIC_KEY_BYTES) || !isBytes(prefix, PREFIX_BYTES)) return undefined
  if (priority === undefined || !isCount(head) || !isRound(round)) return undefined
  return { author, prefix: hexOf(prefix), priority, head, round }
}

function wantOf(row: readonly CborValue[]): Want | undefined {
  const [author, prefix, ranges] = row
  if (row.length !== 3 || !isBytes(author, PUBLIC_KEY_BYTES) || !isBytes(prefix, PREFIX_BYTES)) return undefined
  if (!Array.isArray(ranges) || ranges.length > RANGES_MAX) return undefined
  const read = (ranges as readonly CborValue[]).map(rangeOf)
  return read.every((one) => one !== undefined) ? { author, prefix: hexOf(prefix), ranges: read } : undefined
}

function rangeOf(value: CborValue): NumberRange | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [from, to] = value as readonly CborValue[]
  return isCount(from) && isCount(to) && from <= to ? [from, to] : undefined
}

function isBytes(value: CborValue | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === length
}

function isCount(value: CborValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/** 0 from the author itself. */
function isRound(value: CborValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= ROUND_MAX
}

/** `[group, [row, ...]]`, every row readable; `undefined` for anything else. */
function parseRows<T>(
  payload: Uint8Array,
  max: number,
  read: (row: readonly CborValue[]) => T | undefined,
): { readonly group: string; readonly rows: T[] } | undefined {
  const fields = tryDecodeCbor(payload)
  if (!Array.isArray(fields) || fields.length !== 2) return undefined
  const [group, values] = fields as readonly CborValue[]
  if (typeof group !== 'string' || !isTopic(group) || !Array.isArray(values) || values.length > max) return undefined
  const rows: T[] = []
  for (const value of values as readonly CborValue[]) {
    const row = Array.isArray(value) ? read(value as readonly CborValue[]) : undefined
    if (row === undefined) return undefined
    rows.push(row)
  }
  return { group, rows }
}
