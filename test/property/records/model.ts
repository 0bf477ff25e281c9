import type { PeerId, RecordId } from '../../../src/base/index.ts'
import type { LogRule } from '../../../src/records/index.ts'

/** A record of the model: what was signed, and what it follows. */
export interface ModelRecord {
  readonly author: PeerId
  readonly log: string
  readonly seq: number
  readonly id: RecordId
  /** `undefined` for the first. */
  readonly prev: RecordId | undefined
  readonly isPrunePoint: boolean
}

export interface ModelLog<R> {
  readonly base: number
  /** In the order of their numbers; never empty. */
  readonly records: readonly R[]
}

/**
 * What counts of one log, in words: given everything its author ever signed for it, and what the space says of it.
 *
 * - It ends where the space ends it, and there only with the record that the space names.
 * - Where two records are known it ends before them, unless one was chosen; then only that one may stand there.
 * - It begins at its last prune point that may count, or at 1.
 */
export function validPart<R extends ModelRecord>(signed: readonly R[], rule: LogRule): ModelLog<R> | undefined {
  const at = Map.groupBy(signed, ({ seq }) => seq)
  const firstChoice = Math.min(Number.POSITIVE_INFINITY, ...rule.branches.map(({ seq }) => seq))
  const isChosenAt = (seq: number): boolean => rule.branches.some((branch) => branch.seq === seq)
  const firstFork = [...at].reduce(
    (lowest, [seq, rivals]) => (rivals.length > 1 ? Math.min(lowest, seq) : lowest),
    Number.POSITIVE_INFINITY,
  )
  const frozenFrom = isChosenAt(firstFork) || firstFork > firstChoice ? Number.POSITIVE_INFINITY : firstFork
  const end = Math.min(rule.end?.seq ?? Number.POSITIVE_INFINITY, frozenFrom - 1)

  const mayStand = ({ seq, id }: R): boolean =>
    seq <= end &&
    rule.branches.every((branch) => branch.seq !== seq || branch.id === id) &&
    (rule.end === undefined || rule.end.seq !== seq || rule.end.id === undefined || rule.end.id === id)

  const starts = signed
    .filter((record) => mayStand(record) && (record.seq === 1 || (record.isPrunePoint && record.seq <= firstChoice)))
    .toSorted((a, b) => b.seq - a.seq)
  const [start] = starts
  if (start === undefined) return undefined
  const records = [start]
  let last: R | undefined = start
  while (last !== undefined) {
    const { id, seq }: ModelRecord = last
    const rivals: readonly R[] = (at.get(seq + 1) ?? []).filter(({ prev }) => prev === id)
    // Above a choice, a fork of the chosen branch ends it too; those of other branches do not matter.
    const isOpenFork: boolean = rivals.length > 1 && !isChosenAt(seq + 1)
    last = isOpenFork ? undefined : rivals.find(mayStand)
    if (last !== undefined) records.push(last)
  }
  return { base: start.isPrunePoint && start.seq <= firstChoice ? start.seq : 1, records }
}
