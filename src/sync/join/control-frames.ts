import type { SpaceId } from '../../base/index.ts'
import { encodeFrames, type Journal, LOG_CLASS } from '../../records/index.ts'
import type { Spaces } from '../../space/index.ts'
import { classOf } from '../log-index.ts'

/** The control records of a space, log by log from the first on, in batches in the encoding of docs/specs/records.md. */
export function* controlFrames(
  space: SpaceId,
  components: { readonly journal: Journal; readonly spaces: Spaces },
): Generator<Uint8Array, void> {
  const { journal, spaces } = components
  for (const { author, log, seq } of journal.heads(space)) {
    if (classOf(log) !== LOG_CLASS.control || !spaces.admitsLog(space, author, LOG_CLASS.control)) continue
    for (let from = 1; from <= seq; ) {
      const frames = journal.frames(space, author, log, from, seq)
      if (frames.length === 0) break
      from += frames.length
      yield encodeFrames(frames)
    }
  }
}
