import { bytesEqual } from '../base/index.ts'
import { type LogIndex, logKey } from './log-index.ts'
import { FANOUT, KEY_DIGITS } from './range-tree.ts'
import type { RangeAnswer, RangeNode, RangeRequest } from './range-wire.ts'
import { claimOf } from './spread.ts'
import { RANGE_FINGERPRINT_BYTES } from './sums.ts'
import { type Claim, HAVE_MAX_LOGS } from './wire.ts'

/** A range of so many logs is listed: splitting it once more would take more bytes. */
export const LIST_MAX_LOGS = 8
/** Ranges that one answer splits; the rest is asked about again. */
export const ANSWER_MAX_NODES = 128

/** The digits whose parts have different fingerprints. */
export function differingParts(ours: Uint8Array, theirs: Uint8Array): readonly string[] {
  const digits: string[] = []
  for (let digit = 0; digit < FANOUT; digit++) {
    const [from, to] = [digit * RANGE_FINGERPRINT_BYTES, (digit + 1) * RANGE_FINGERPRINT_BYTES]
    if (!bytesEqual(ours.subarray(from, to), theirs.subarray(from, to))) digits.push(digit.toString(16))
  }
  return digits
}

/** What differs from what the asker holds, in as much detail as one answer has room for. Keeps nothing between questions. */
export function answerRanges(index: LogIndex, { space, group, nodes }: RangeRequest): RangeAnswer {
  const tree = index.tree(group)
  const [split, listed, rest]: [(RangeNode & { parts: Uint8Array })[], string[], string[]] = [[], [], []]
  const claims: Claim[] = []
  for (const prefix of nodes.flatMap((node) => differing(node, (at) => tree.parts(at)))) {
    const count = tree.count(prefix)
    const isListed = count <= LIST_MAX_LOGS || prefix.length === KEY_DIGITS
    if (isListed && claims.length + count <= HAVE_MAX_LOGS) {
      listed.push(prefix)
      claims.push(...tree.list(prefix).map(({ head }) => claimOf(head)))
    } else if (!isListed && split.length < ANSWER_MAX_NODES) split.push({ prefix, parts: tree.parts(prefix) })
    else rest.push(prefix)
  }
  return { space, nodes: split, listed, claims: claims.toSorted(byName), rest }
}

function differing({ prefix, parts }: RangeNode, partsOf: (prefix: string) => Uint8Array): readonly string[] {
  if (parts === undefined || prefix.length === KEY_DIGITS) return [prefix]
  return differingParts(partsOf(prefix), parts).map((digit) => prefix + digit)
}

/** Logs of one device together, so that its key is sent once. */
function byName(a: Claim, b: Claim): number {
  return logKey(a) < logKey(b) ? -1 : 1
}
