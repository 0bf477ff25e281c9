import {
  bytesOfHex,
  type CborValue,
  encodeCbor,
  HASH_BYTES,
  hexOf,
  keyOfPeerId,
  type PeerId,
  PUBLIC_KEY_BYTES,
  peerIdOfKey,
  type SpaceId,
  spaceIdOf,
} from '../base/index.ts'
import { LOG_CLASS, LOG_NAME_BYTES, RUN_MAX_BYTES } from '../records/index.ts'
import { asArray, asBoolean, asBytes, asUint, malformed, openMessage, WIRE_VERSION } from './fields.ts'
import { GROUPS, type Group, type LogRef, type Summary } from './log-index.ts'

/** The messages of docs/specs/sync.md: CBOR arrays that begin with a version and the id of the space. */

/** Logs in one HAVE. */
export const HAVE_MAX_LOGS = 2_000
/** Ranges in one WANT. */
export const WANT_MAX_RANGES = 256
/** The first bytes of the id of a head: enough to see that two peers hold different records at one place. */
export const SHORT_ID_BYTES = 8
const STORE_ID_BYTES = 16

export interface Hello {
  readonly space: SpaceId
  readonly storeId: Uint8Array
  readonly control: Summary
  readonly data: Summary
}

/** How far a peer says that it holds a log. */
export interface Claim extends LogRef {
  readonly base: number
  readonly seq: number
  /** 16 hexadecimal digits. */
  readonly shortId: string
}

export interface HaveRequest {
  readonly space: SpaceId
  readonly group: Group
  readonly after: LogRef | undefined
}

export interface Have {
  readonly space: SpaceId
  readonly claims: readonly Claim[]
  readonly more: boolean
}

/** Records of a log, both ends included. */
export interface Range extends LogRef {
  readonly from: number
  readonly to: number
}

export interface Want {
  readonly space: SpaceId
  /** Chosen by the asker; comes back in every REC. */
  readonly want: number
  readonly ranges: readonly Range[]
}

export interface Rec {
  readonly space: SpaceId
  readonly want: number
  /** Nothing more comes for this WANT. */
  readonly last: boolean
  /** A batch in the encoding of docs/specs/records.md. */
  readonly frames: Uint8Array
}

export function encodeHello({ space, storeId, control, data }: Hello): Uint8Array {
  return encodeCbor([WIRE_VERSION, bytesOfHex(space), storeId, summaryArray(control), summaryArray(data)])
}

function summaryArray({ fingerprint, logs, records }: Summary): CborValue {
  return [fingerprint, logs, records]
}

export function decodeHello(bytes: Uint8Array): Hello {
  const [space, storeId, control, data] = openMessage(bytes, 4)
  return {
    space: spaceIdOf(asBytes(space, HASH_BYTES)),
    storeId: asBytes(storeId, STORE_ID_BYTES),
    control: asSummary(control),
    data: asSummary(data),
  }
}

function asSummary(value: CborValue | undefined): Summary {
  const [fingerprint, logs, records] = asArray(value, 3)
  return { fingerprint: asBytes(fingerprint, HASH_BYTES), logs: asUint(logs), records: asUint(records) }
}

export function encodeHaveRequest({ space, group, after }: HaveRequest): Uint8Array {
  const from = after === undefined ? null : refArray(after)
  return encodeCbor([WIRE_VERSION, bytesOfHex(space), GROUPS.indexOf(group), from])
}

export function decodeHaveRequest(bytes: Uint8Array): HaveRequest {
  const [space, group, after] = openMessage(bytes, 3)
  const name = GROUPS[asUint(group)]
  if (name === undefined) return malformed()
  const from = after === null ? undefined : asRef(asArray(after, 2))
  return { space: spaceIdOf(asBytes(space, HASH_BYTES)), group: name, after: from }
}

export function encodeHave({ space, claims, more }: Have): Uint8Array {
  const byAuthor = Map.groupBy(claims, ({ author }) => author)
  const devices = [...byAuthor].map(([author, logs]) => [keyOfPeerId(author), logs.map(claimArray)])
  return encodeCbor([WIRE_VERSION, bytesOfHex(space), devices, more])
}

function claimArray({ log, base, seq, shortId }: Claim): CborValue {
  return [bytesOfHex(log), base, seq, bytesOfHex(shortId)]
}

export function decodeHave(bytes: Uint8Array): Have {
  const [space, devices, more] = openMessage(bytes, 3)
  const claims = asArray(devices, 0, HAVE_MAX_LOGS).flatMap((device) => {
    const [key, logs] = asArray(device, 2)
    const author = peerIdOfKey(asBytes(key, PUBLIC_KEY_BYTES))
    return asArray(logs, 1, HAVE_MAX_LOGS).map((log) => asClaim(author, log))
  })
  if (claims.length > HAVE_MAX_LOGS) return malformed()
  return { space: spaceIdOf(asBytes(space, HASH_BYTES)), claims, more: asBoolean(more) }
}

function asClaim(author: PeerId, value: CborValue): Claim {
  const [log, base, seq, shortId] = asArray(value, 4)
  const claim = {
    author,
    log: asLog(log),
    base: asUint(base),
    seq: asUint(seq),
    shortId: hexOf(asBytes(shortId, SHORT_ID_BYTES)),
  }
  return claim.base >= 1 && claim.seq >= claim.base ? claim : malformed()
}

export function encodeWant({ space, want, ranges }: Want): Uint8Array {
  const list = ranges.map((range) => [...refArray(range), range.from, range.to])
  return encodeCbor([WIRE_VERSION, bytesOfHex(space), want, list])
}

export function decodeWant(bytes: Uint8Array): Want {
  const [space, want, list] = openMessage(bytes, 3)
  const ranges = asArray(list, 1, WANT_MAX_RANGES).map((value) => {
    const [device, log, from, to] = asArray(value, 4)
    const range = { ...asRef([device, log]), from: asUint(from), to: asUint(to) }
    return range.from >= 1 && range.to >= range.from ? range : malformed()
  })
  return { space: spaceIdOf(asBytes(space, HASH_BYTES)), want: asUint(want), ranges }
}

export function encodeRec({ space, want, last, frames }: Rec): Uint8Array {
  return encodeCbor([WIRE_VERSION, bytesOfHex(space), want, last, frames])
}

export function decodeRec(bytes: Uint8Array): Rec {
  const [space, want, last, frames] = openMessage(bytes, 4)
  return {
    space: spaceIdOf(asBytes(space, HASH_BYTES)),
    want: asUint(want),
    last: asBoolean(last),
    frames: asBytes(frames, 1, RUN_MAX_BYTES),
  }
}

function refArray({ author, log }: LogRef): readonly CborValue[] {
  return [keyOfPeerId(author), bytesOfHex(log)]
}

function asRef([device, log]: readonly (CborValue | undefined)[]): LogRef {
  return { author: peerIdOfKey(asBytes(device, PUBLIC_KEY_BYTES)), log: asLog(log) }
}

function asLog(value: CborValue | undefined): string {
  const name = asBytes(value, LOG_NAME_BYTES)
  return (name[0] ?? 255) <= LOG_CLASS.expiring ? hexOf(name) : malformed()
}
