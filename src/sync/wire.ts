import {
  bytesOfHex,
  type CborValue,
  encodeCbor,
  HASH_BYTES,
  hexOf,
  type PeerId,
  PUBLIC_KEY_BYTES,
  type SpaceId,
  spaceIdOf,
} from '../base/index.ts'
import { LOG_CLASS, LOG_NAME_BYTES, RUN_MAX_BYTES } from '../records/index.ts'
import { asArray, asBoolean, asBytes, asUint, malformed, openMessage } from './fields.ts'
import { GROUPS, type Group, type LogRef, type Summary } from './log-index.ts'
import { keyOf, peerOf } from './peer-keys.ts'

/** The messages of docs/specs/sync.md: CBOR arrays that begin with a version and the id of the space. More: range-wire.ts. */
export const SYNC_VERSION = 2

/** Logs in one HAVE, and in every other list of claims. */
export const HAVE_MAX_LOGS = 2_000
/** Ranges in one WANT. */
export const WANT_MAX_RANGES = 256
/** The first bytes of the id of a head: enough to see that two peers hold different records at one place. */
export const SHORT_ID_BYTES = 8
export const STORE_ID_BYTES = 16

/** How much of a group a peer keeps: records that it wrote itself always in full. */
export const KEEPINGS = ['nothing', 'headers', 'bodies'] as const
export type Keeping = (typeof KEEPINGS)[number]

/** What a peer holds of a group. */
export interface Holding extends Summary {
  /** `headers` also while it lacks bodies still. */
  readonly keeps: Keeping
}

/** Of each group that the one it is told may have records of. */
export type Holdings = Readonly<Partial<Record<Group, Holding>>>

export interface ForkSummary {
  readonly count: number
  /** 32 bytes: the sum over SHA-256(device 32, log name 8, place 8). */
  readonly fingerprint: Uint8Array
}

const NO_SUM: Uint8Array = new Uint8Array(HASH_BYTES)
export const NO_FORKS: ForkSummary = { count: 0, fingerprint: NO_SUM }
const NOTHING: Summary = { fingerprint: NO_SUM, logs: 0, records: 0 }

export interface Hello {
  readonly space: SpaceId
  readonly storeId: Uint8Array
  /** The rid of what the sender stored last: where a cursor into its store may stand. */
  readonly position: number
  readonly holds: Holdings
  readonly forks: ForkSummary
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
  /** Of the whole group as it is now; news has none. */
  readonly fingerprint: Uint8Array | undefined
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
  /** Bodies are not wanted. */
  readonly headersOnly: boolean
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

/** Frames of ranges that the asker holds without bodies. */
export interface BodiesRequest {
  readonly space: SpaceId
  readonly ranges: readonly Range[]
}

export interface Bodies {
  readonly space: SpaceId
  /** Of the first ranges asked for, as many as fit. */
  readonly frames: Uint8Array
}

export function encodeMessage(space: SpaceId, ...items: readonly CborValue[]): Uint8Array {
  return encodeCbor([SYNC_VERSION, bytesOfHex(space), ...items])
}

/** The space and the items after it. */
export function openSyncMessage(bytes: Uint8Array, items: number): readonly [SpaceId, ...(CborValue | undefined)[]] {
  const [space, ...rest] = openMessage(bytes, items + 1, SYNC_VERSION)
  return [spaceIdOf(asBytes(space, HASH_BYTES)), ...rest]
}

export function encodeHello({ space, storeId, position, holds, forks }: Hello): Uint8Array {
  const groups = GROUPS.map((group) => holdingArray(holds[group]))
  return encodeMessage(space, storeId, position, groups, forks.count === 0 ? null : [forks.count, forks.fingerprint])
}

function holdingArray(holding: Holding | undefined): CborValue {
  if (holding === undefined) return null
  const { fingerprint, logs, records, keeps } = holding
  return logs === 0 ? KEEPINGS.indexOf(keeps) : [fingerprint, logs, records, KEEPINGS.indexOf(keeps)]
}

export function decodeHello(bytes: Uint8Array): Hello {
  const [space, storeId, position, groups, forks] = openSyncMessage(bytes, 4)
  const values = asArray(groups, GROUPS.length)
  const holds = GROUPS.map((group, index) => [group, asHolding(values[index])] as const)
  return {
    space,
    storeId: asBytes(storeId, STORE_ID_BYTES),
    position: asUint(position),
    holds: Object.fromEntries(holds.filter(([, holding]) => holding !== undefined)),
    forks: forks === null ? NO_FORKS : asForkSummary(forks),
  }
}

function asForkSummary(value: CborValue | undefined): ForkSummary {
  const [count, fingerprint] = asArray(value, 2)
  return asUint(count) > 0 ? { count: asUint(count), fingerprint: asBytes(fingerprint, HASH_BYTES) } : malformed()
}

function asHolding(value: CborValue | undefined): Holding | undefined {
  if (value === null) return undefined
  if (typeof value === 'number') return { ...NOTHING, keeps: asKeeping(value) }
  const [fingerprint, logs, records, keeps] = asArray(value, 4)
  if (asUint(logs) === 0) return malformed()
  return {
    fingerprint: asBytes(fingerprint, HASH_BYTES),
    logs: asUint(logs),
    records: asUint(records),
    keeps: asKeeping(keeps),
  }
}

function asKeeping(value: CborValue | undefined): Keeping {
  return KEEPINGS[asUint(value)] ?? malformed()
}

export function encodeHaveRequest({ space, group, after }: HaveRequest): Uint8Array {
  return encodeMessage(space, GROUPS.indexOf(group), after === undefined ? null : refArray(after))
}

export function decodeHaveRequest(bytes: Uint8Array): HaveRequest {
  const [space, group, after] = openSyncMessage(bytes, 2)
  return { space, group: asGroup(group), after: after === null ? undefined : asRef(asArray(after, 2)) }
}

export function asGroup(value: CborValue | undefined): Group {
  return GROUPS[asUint(value)] ?? malformed()
}

export function encodeHave({ space, claims, more, fingerprint }: Have): Uint8Array {
  return encodeMessage(space, claimsArray(claims), more, fingerprint ?? null)
}

export function decodeHave(bytes: Uint8Array): Have {
  const [space, devices, more, fingerprint] = openSyncMessage(bytes, 3)
  return {
    space,
    claims: asClaims(devices),
    more: asBoolean(more),
    fingerprint: fingerprint === null ? undefined : asBytes(fingerprint, HASH_BYTES),
  }
}

/** By device, so that each key is sent once. */
export function claimsArray(claims: readonly Claim[]): CborValue {
  const byAuthor = Map.groupBy(claims, ({ author }) => author)
  return [...byAuthor].map(([author, logs]) => [keyOf(author), logs.map(claimArray)])
}

function claimArray({ log, base, seq, shortId }: Claim): CborValue {
  return [bytesOfHex(log), base, seq, bytesOfHex(shortId)]
}

export function asClaims(value: CborValue | undefined): readonly Claim[] {
  const claims = asArray(value, 0, HAVE_MAX_LOGS).flatMap((device) => {
    const [key, logs] = asArray(device, 2)
    const author = peerOf(asBytes(key, PUBLIC_KEY_BYTES))
    return asArray(logs, 1, HAVE_MAX_LOGS).map((log) => asClaim(author, log))
  })
  return claims.length <= HAVE_MAX_LOGS ? claims : malformed()
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
  return claim.seq >= 1 && claim.base >= 1 && claim.base <= claim.seq ? claim : malformed()
}

export function encodeWant({ space, want, headersOnly, ranges }: Want): Uint8Array {
  return encodeMessage(space, want, headersOnly, rangesArray(ranges))
}

export function decodeWant(bytes: Uint8Array): Want {
  const [space, want, headersOnly, ranges] = openSyncMessage(bytes, 3)
  return { space, want: asUint(want), headersOnly: asBoolean(headersOnly), ranges: asRanges(ranges) }
}

function rangesArray(ranges: readonly Range[]): CborValue {
  return ranges.map((range) => [...refArray(range), range.from, range.to])
}

function asRanges(value: CborValue | undefined): readonly Range[] {
  return asArray(value, 1, WANT_MAX_RANGES).map((one) => {
    const [device, log, from, to] = asArray(one, 4)
    const range = { ...asRef([device, log]), from: asUint(from), to: asUint(to) }
    return range.from >= 1 && range.to >= range.from ? range : malformed()
  })
}

export function encodeRec({ space, want, last, frames }: Rec): Uint8Array {
  return encodeMessage(space, want, last, frames)
}

export function decodeRec(bytes: Uint8Array): Rec {
  const [space, want, last, frames] = openSyncMessage(bytes, 3)
  return { space, want: asUint(want), last: asBoolean(last), frames: asBytes(frames, 1, RUN_MAX_BYTES) }
}

export function encodeBodiesRequest({ space, ranges }: BodiesRequest): Uint8Array {
  return encodeMessage(space, rangesArray(ranges))
}

export function decodeBodiesRequest(bytes: Uint8Array): BodiesRequest {
  const [space, ranges] = openSyncMessage(bytes, 1)
  return { space, ranges: asRanges(ranges) }
}

export function encodeBodies({ space, frames }: Bodies): Uint8Array {
  return encodeMessage(space, frames)
}

export function decodeBodies(bytes: Uint8Array): Bodies {
  const [space, frames] = openSyncMessage(bytes, 1)
  return { space, frames: asBytes(frames, 1, RUN_MAX_BYTES) }
}

export function refArray({ author, log }: LogRef): readonly CborValue[] {
  return [keyOf(author), bytesOfHex(log)]
}

export function asRef([device, log]: readonly (CborValue | undefined)[]): LogRef {
  return { author: peerOf(asBytes(device, PUBLIC_KEY_BYTES)), log: asLog(log) }
}

function asLog(value: CborValue | undefined): string {
  const name = asBytes(value, LOG_NAME_BYTES)
  return (name[0] ?? 255) <= LOG_CLASS.expiring ? hexOf(name) : malformed()
}
