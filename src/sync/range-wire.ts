import type { CborValue, SpaceId } from '../base/index.ts'
import { asArray, asBoolean, asBytes, asText, asUint, malformed } from './fields.ts'
import { GROUPS, type Group } from './log-index.ts'
import { KEY_DIGITS, PARTS_BYTES } from './range-tree.ts'
import { asClaims, asGroup, type Claim, claimsArray, encodeMessage, openSyncMessage, STORE_ID_BYTES } from './wire.ts'

/** Ranges in one question, and in each list of an answer. */
export const RANGE_MAX_NODES = 256

/** A range of logs: those whose keys begin with the same digits. */
export interface RangeNode {
  /** Hexadecimal digits; none for all logs of the group. */
  readonly prefix: string
  /** The fingerprints of its 16 parts; undefined in a question: it holds few, and any difference should be listed. */
  readonly parts: Uint8Array | undefined
}

export interface RangeRequest {
  readonly space: SpaceId
  readonly group: Group
  readonly nodes: readonly RangeNode[]
}

/** Of the parts asked about, those that differ, each in one of three ways. */
export interface RangeAnswer {
  readonly space: SpaceId
  /** Many logs: the fingerprints of its parts. */
  readonly nodes: readonly (RangeNode & { readonly parts: Uint8Array })[]
  /** Few logs: all of them are among the claims. */
  readonly listed: readonly string[]
  readonly claims: readonly Claim[]
  /** No room: to be asked about again. */
  readonly rest: readonly string[]
}

export interface SinceRequest {
  readonly space: SpaceId
  /** The store that the cursor is of. */
  readonly storeId: Uint8Array
  readonly rid: number
}

export interface SinceAnswer {
  readonly space: SpaceId
  /** Undefined if the cursor means nothing here. */
  readonly news: SinceNews | undefined
}

export interface SinceNews {
  readonly claims: readonly Claim[]
  /** All that was stored after the cursor up to this position is among the claims. */
  readonly through: number
  readonly more: boolean
}

export function encodeRangeRequest({ space, group, nodes }: RangeRequest): Uint8Array {
  return encodeMessage(space, GROUPS.indexOf(group), nodes.map(nodeArray))
}

export function decodeRangeRequest(bytes: Uint8Array): RangeRequest {
  const [space, group, nodes] = openSyncMessage(bytes, 2)
  return { space, group: asGroup(group), nodes: asArray(nodes, 1, RANGE_MAX_NODES).map(asNode) }
}

export function encodeRangeAnswer({ space, nodes, listed, claims, rest }: RangeAnswer): Uint8Array {
  return encodeMessage(space, nodes.map(nodeArray), listed, claimsArray(claims), rest)
}

export function decodeRangeAnswer(bytes: Uint8Array): RangeAnswer {
  const [space, nodes, listed, claims, rest] = openSyncMessage(bytes, 4)
  return {
    space,
    nodes: asArray(nodes, 0, RANGE_MAX_NODES).map((value) => {
      const { prefix, parts } = asNode(value)
      return { prefix, parts: parts ?? malformed() }
    }),
    listed: asPrefixes(listed),
    claims: asClaims(claims),
    rest: asPrefixes(rest),
  }
}

function nodeArray({ prefix, parts }: RangeNode): CborValue {
  return [prefix, parts ?? null]
}

function asNode(value: CborValue): RangeNode {
  const [prefix, parts] = asArray(value, 2)
  return { prefix: asPrefix(prefix), parts: parts === null ? undefined : asBytes(parts, PARTS_BYTES) }
}

/** An answer speaks of the 16 parts of each range asked about. */
function asPrefixes(value: CborValue | undefined): readonly string[] {
  return asArray(value, 0, RANGE_MAX_NODES * 16).map(asPrefix)
}

function asPrefix(value: CborValue | undefined): string {
  const prefix = asText(value, KEY_DIGITS)
  return /^[0-9a-f]*$/.test(prefix) ? prefix : malformed()
}

export function encodeSinceRequest({ space, storeId, rid }: SinceRequest): Uint8Array {
  return encodeMessage(space, storeId, rid)
}

export function decodeSinceRequest(bytes: Uint8Array): SinceRequest {
  const [space, storeId, rid] = openSyncMessage(bytes, 2)
  return { space, storeId: asBytes(storeId, STORE_ID_BYTES), rid: asUint(rid) }
}

export function encodeSinceAnswer({ space, news }: SinceAnswer): Uint8Array {
  return encodeMessage(space, news === undefined ? null : [claimsArray(news.claims), news.through, news.more])
}

export function decodeSinceAnswer(bytes: Uint8Array): SinceAnswer {
  const [space, news] = openSyncMessage(bytes, 1)
  if (news === null) return { space, news: undefined }
  const [claims, through, more] = asArray(news, 3)
  return { space, news: { claims: asClaims(claims), through: asUint(through), more: asBoolean(more) } }
}
