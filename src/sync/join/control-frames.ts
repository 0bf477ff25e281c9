import type { SpaceId } from '../../base/index.ts'
import { decodeHeader, encodeFrames, type Frame, type Journal, LOG_CLASS } from '../../records/index.ts'
import type { Spaces } from '../../space/index.ts'
import { classOf } from '../log-index.ts'

/**
 * The control records of a space, log by log from the first on, in batches in the encoding of docs/specs/records.md; of each log no
 * more than what was written up to `untilHlc`, if that is given.
 */
export function* controlFrames(
  space: SpaceId,
  components: { readonly journal: Journal; readonly spaces: Spaces },
  untilHlc: number = Number.POSITIVE_INFINITY,
): Generator<Uint8Array, void> {
  const { journal, spaces } = components
  for (const { author, log, seq } of journal.heads(space)) {
    if (classOf(log) !== LOG_CLASS.control || !spaces.admitsLog(space, author, LOG_CLASS.control)) continue
    for (let from = 1; from <= seq; ) {
      const frames = journal.frames(space, author, log, from, seq)
      const early = Number.isFinite(untilHlc) ? frames.filter((frame) => hlcOf(frame) <= untilHlc) : frames
      if (early.length > 0) yield encodeFrames(early)
      if (frames.length === 0 || early.length < frames.length) break
      from += frames.length
    }
  }
}

/** Of a frame of our own store. */
function hlcOf(frame: Frame): number {
  return decodeHeader(frame.header).hlc
}
