import { bytesEqual, hexOf, keyOfPeerId, type SpaceId } from '../../../src/base/index.ts'
import { verifier } from '../../../src/identity/index.ts'
import {
  bodyHashOf,
  decodeHeader,
  type Frame,
  isSignedBy,
  type LogHead,
  recordIdBytes,
} from '../../../src/records/index.ts'
import type { Finding, Honest } from './checks.ts'

/** Everything that a peer would serve, looked at byte by byte as a stranger would: chains, signatures, bodies, dates. */
export function soundnessOf(space: SpaceId, { peer, node }: Honest): readonly Finding[] {
  return node.journal.heads(space).flatMap((head) => {
    const frames: Frame[] = []
    for (;;) {
      const next = node.journal.frames(space, head.author, head.log, head.base + frames.length, head.seq)
      if (next.length === 0) break
      frames.push(...next)
    }
    const fault = faultOf(head, frames)
    const where = `${head.author.slice(-6)} ${head.log}`
    return fault === undefined ? [] : [{ check: 'sound', what: `${peer.name} holds a log ${where} that ${fault}` }]
  })
}

function faultOf({ author, base, seq, id }: LogHead, frames: readonly Frame[]): string | undefined {
  if (frames.length !== Math.max(0, seq - base + 1)) return `has ${frames.length} frames of ${base} to ${seq}`
  let [prev, hlc]: [Uint8Array | undefined, number] = [undefined, 0]
  for (const [index, frame] of frames.entries()) {
    const header = decodeHeader(frame.header)
    if (header.seq !== base + index) return `has ${header.seq} at ${base + index}`
    if (prev !== undefined && !bytesEqual(header.prev, prev)) return `breaks its chain at ${header.seq}`
    if (header.hlc <= hlc) return `goes back in time at ${header.seq}`
    if (frame.body !== null && !bytesEqual(bodyHashOf(frame.body), header.bodyHash)) {
      return `has another body at ${header.seq}`
    }
    prev = recordIdBytes(frame.header)
    hlc = header.hlc
  }
  const last = frames.at(-1)
  if (last === undefined) return undefined
  if (hexOf(recordIdBytes(last.header)) !== id) return 'ends with another record than its head says'
  return isSignedBy(verifier(), keyOfPeerId(author), last.header, last.signature) ? undefined : 'nobody signed'
}
