import type { SpaceId } from '../../base/index.ts'
import {
  type Journal,
  RUN_MAX_FRAMES,
  type SalvagedFrame,
  type SalvageReport,
  salvageControl,
  salvageFrames,
} from '../../records/index.ts'
import type { Spaces } from '../../space/index.ts'
import { type Database, type Row, StoreError, text } from '../../store/index.ts'
import type { DurablePillar } from '../durable-pillar.ts'

export interface RebuildInit {
  /** The damaged database; undefined if nothing of it can be read. */
  readonly source: Database | undefined
  /** A new one with the tables of every module. */
  readonly target: Database
  /** Opens the journal of the target; after the tables that it reads at its start were copied. */
  readonly pillar: () => DurablePillar
  readonly signal?: AbortSignal
  readonly onStep?: (step: string, done: number) => void
}

export interface RebuildReport extends Readonly<SalvageReport> {
  /** Records of the new database. */
  readonly records: number
  /** Records that were read but do not count without others that were lost, or are not what they claim to be. */
  readonly refused: number
  /** Rows of other tables that were taken over, and tables of which some could not be. */
  readonly otherRows: number
  readonly incomplete: readonly string[]
}

/**
 * Records go through the same judgement as those of strangers: nothing that a damaged file says is believed without its proof. All
 * else (settings, addresses, keys) is copied as far as it can be read; views are folded anew at the next start.
 */
export async function rebuild(init: RebuildInit): Promise<RebuildReport> {
  const { source, target, onStep } = init
  const lost: SalvageReport = { lostRows: 0, lostBodies: 0 }
  if (source === undefined) {
    return { ...lost, records: 0, refused: 0, otherRows: 0, incomplete: [] }
  }
  onStep?.('copying settings and keys', 0)
  const { otherRows, incomplete } = copyOthers(source, target)
  const { journal, spaces } = init.pillar()
  spaces.load()
  const counts = { records: 0, refused: 0 }
  // What control records say decides about all others. Who admitted whom shows only as they are judged: until nothing is new.
  const control = salvageControl(source)
  for (let last = -1; counts.records !== last; ) {
    last = counts.records
    counts.refused = 0
    for (const batch of batches(control)) take(journal, spaces, batch, counts)
    for (const space of journal.spaces()) counts.records += journal.retryParked(space).stored
  }
  for (const batch of batches(salvageFrames(source, lost))) {
    init.signal?.throwIfAborted()
    take(journal, spaces, batch, counts)
    onStep?.('judging records', counts.records)
  }
  for (const space of journal.spaces()) counts.records += journal.retryParked(space).stored
  return { ...lost, ...counts, otherRows, incomplete }
}

interface Batch {
  readonly space: SpaceId
  readonly frames: SalvagedFrame['frame'][]
}

/** Frames that follow each other and are of one space. */
function* batches(frames: Iterable<SalvagedFrame>): Generator<Batch> {
  let batch: Batch | undefined
  for (const found of frames) {
    if (batch !== undefined && (batch.space !== found.space || batch.frames.length >= RUN_MAX_FRAMES)) {
      yield batch
      batch = undefined
    }
    batch ??= { space: found.space, frames: [] }
    batch.frames.push(found.frame)
  }
  if (batch !== undefined) yield batch
}

function take(
  journal: Journal,
  spaces: Spaces,
  { space, frames }: Batch,
  counts: { records: number; refused: number },
): void {
  using _expected = spaces.expect(space)
  const report = journal.salvage(space, frames)
  counts.records += report.stored
  counts.refused += Object.values(report.refused).reduce((sum, refused) => sum + refused, 0)
}

/** Tables of the journal, which is written anew, and of what is made of it or no longer true. */
const NOT_COPIED = new Set([
  'meta',
  'journal',
  'space',
  'log',
  'own_log',
  'record',
  'body',
  'parked',
  'voided',
  'log_usage',
  'control_copy',
  'fork',
  'view',
  'touch',
  'view_failure',
  'sync_cursor',
])

function copyOthers(source: Database, target: Database): { readonly otherRows: number; readonly incomplete: string[] } {
  const incomplete: string[] = []
  let otherRows = 0
  const tables = target
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
  for (const name of tables.map((row) => text(row.name))) {
    if (NOT_COPIED.has(name)) continue
    const { rows, isWhole } = copyTable(source, target, name)
    otherRows += rows
    if (!isWhole) incomplete.push(name)
  }
  return { otherRows, incomplete }
}

function copyTable(
  source: Database,
  target: Database,
  name: string,
): { readonly rows: number; readonly isWhole: boolean } {
  let rows = 0
  try {
    for (const row of source.prepare(`SELECT * FROM "${name}"`).iterate()) {
      insert(target, name, row)
      rows++
    }
    return { rows, isWhole: true }
  } catch (error) {
    if (error instanceof StoreError) return { rows, isWhole: false }
    throw error
  }
}

function insert(target: Database, name: string, row: Row): void {
  const columns = Object.keys(row)
  const marks = columns.map(() => '?').join(', ')
  target
    .prepare(
      `INSERT OR REPLACE INTO "${name}" (${columns.map((column) => `"${column}"`).join(', ')}) VALUES (${marks})`,
    )
    .run(...Object.values(row))
}
