import { compareText, hexOf, type SpaceId, spaceIdOf } from '../base/index.ts'
import { type Database, integer, type Row, type SqlValue, StoreError } from '../store/index.ts'
import { isBodyOf } from './body.ts'
import { RecordsError } from './errors.ts'
import { classOfLog, decodeHeader, isZero, logKeyOfHeader, recordIdBytes } from './header.ts'
import { type Frame, LOG_CLASS } from './types.ts'

/** Rows that are read in one go while nothing is damaged. */
const PAGE_ROWS = 500

/** A frame that was found in a damaged database, and whether its body was lost. */
export interface SalvagedFrame {
  readonly space: SpaceId
  readonly isControl: boolean
  readonly frame: Frame
  readonly lostBody: boolean
}

export interface SalvageReport {
  /** Rows that could not be read, or whose header is none. */
  lostRows: number
  lostBodies: number
}

/**
 * Every frame that can still be read of a journal's tables, in storage order, whatever else in the file is damaged. What a frame
 * says is not judged here, but a body that is not the one its header names is left out.
 */
export function* salvageFrames(database: Database, report: SalvageReport): Generator<SalvagedFrame> {
  for (const row of rowsOf(database, report)) {
    const found = frameOf(database, row)
    if (found === undefined) {
      report.lostRows++
      continue
    }
    if (found.lostBody) report.lostBodies++
    yield found
  }
}

/**
 * The control records, which are kept twice: of either copy those that can be read, each log in its order. They are few enough to be
 * held in memory.
 */
export function salvageControl(database: Database): readonly SalvagedFrame[] {
  const found = new Map<string, { readonly salvaged: SalvagedFrame; readonly key: string; readonly seq: number }>()
  const add = (salvaged: SalvagedFrame | undefined): void => {
    if (salvaged === undefined || !salvaged.isControl || salvaged.frame.body === null) return
    const { header } = salvaged.frame
    const { seq } = decodeHeader(header)
    found.set(hexOf(recordIdBytes(header)), { salvaged, key: `${salvaged.space} ${logKeyOfHeader(header)}`, seq })
  }
  for (const row of rowsOf(database, { lostRows: 0, lostBodies: 0 })) add(frameOf(database, row))
  const copies = attempt(() => database.prepare('SELECT rid FROM control_copy').all()) ?? []
  for (const { rid = null } of copies) {
    const row = attempt(() =>
      database.prepare('SELECT header, signature, body FROM control_copy WHERE rid = ?').get(rid),
    )
    if (row !== undefined) add(frameOfParts(row, row.body))
  }
  const all = [...found.values()].sort((a, b) => compareText(a.key, b.key) || a.seq - b.seq)
  return all.map(({ salvaged }) => salvaged)
}

const HEADERS = 'SELECT rid, header, signature FROM record WHERE rid > ? ORDER BY rid LIMIT ?'

/** In pages; where a page cannot be read, row by row, and from there over what cannot be read at all. */
function* rowsOf(database: Database, report: SalvageReport): Generator<Row> {
  const last = attempt(() => integer(database.prepare('SELECT max(rid) AS rid FROM record').get()?.rid ?? 0)) ?? 0
  for (let after = 0; after < last; ) {
    const page = attempt(() => database.prepare(HEADERS).all(after, PAGE_ROWS))
    if (page === undefined) {
      const row = attempt(() => database.prepare(HEADERS.replace('rid >', 'rid =')).get(after + 1, 1))
      if (row === undefined) report.lostRows++
      else yield row
      after++
      continue
    }
    yield* page
    after = integer(page.at(-1)?.rid ?? last)
  }
}

function frameOf(database: Database, row: Row): SalvagedFrame | undefined {
  return frameOfParts(row, bodyOf(database, row.rid ?? null))
}

function frameOfParts({ header, signature }: Row, stored: SqlValue | undefined): SalvagedFrame | undefined {
  if (!(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined
  try {
    const fields = decodeHeader(header)
    const isControl = classOfLog(fields.log) === LOG_CLASS.control
    const body = stored instanceof Uint8Array && isBodyOf(fields, stored) ? stored : null
    const space = spaceIdOf(isZero(fields.space) ? recordIdBytes(header) : fields.space)
    return { space, isControl, frame: { header, signature, body }, lostBody: stored !== null && body === null }
  } catch (error) {
    if (error instanceof RecordsError) return undefined
    throw error
  }
}

/** `null` for one that was not there, `undefined` for one that cannot be read. */
function bodyOf(database: Database, rid: SqlValue): SqlValue | undefined {
  const row = attempt(() => [database.prepare('SELECT bytes FROM body WHERE rid = ?').get(rid)])
  return row === undefined ? undefined : (row[0]?.bytes ?? null)
}

/** `undefined` for what the damage keeps from being read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof StoreError) return undefined
    throw error
  }
}
