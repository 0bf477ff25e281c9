import { bytesOfHex, type SpaceId, spaceIdOf } from '../base/index.ts'
import { blob, type Database, integer, type Row } from '../store/index.ts'
import type { Candidate } from './candidate.ts'
import { logKeyOf } from './header.ts'
import { PARKED_MAX_PER_LOG, PARKED_MAX_PER_SPACE } from './log-rules.ts'
import type { Frame } from './types.ts'

/** The log that a parked frame belongs to. */
export interface ParkedLog {
  readonly device: Uint8Array
  readonly name: Uint8Array
}

interface Count {
  frames: number
  /** Per log. */
  readonly logs: Map<string, number>
}

/**
 * Genuine frames whose time has not come: records before them are missing, their author is not known yet, or their clock is
 * ahead. Signature and body were checked. When a log or a space is full, its oldest frame makes room.
 */
export class Parking {
  readonly #database: Database
  readonly #counts = new Map<SpaceId, Count>()
  #dropped = 0

  constructor(database: Database) {
    this.#database = database
    this.forget()
  }

  /** After a rollback. */
  forget(): void {
    this.#counts.clear()
    const rows = this.#database
      .prepare('SELECT space, device, log, count(*) AS frames FROM parked GROUP BY space, device, log')
      .all()
    for (const row of rows) this.#count(spaceIdOf(blob(row.space)), keyOfRow(row), integer(row.frames))
  }

  /** Frames that made room for others since the start. */
  get dropped(): number {
    return this.#dropped
  }

  size(space?: SpaceId): number {
    if (space !== undefined) return this.#counts.get(space)?.frames ?? 0
    return this.#counts.values().reduce((sum, { frames }) => sum + frames, 0)
  }

  /** False when the frame is parked already. The body may be left out. */
  add(space: SpaceId, candidate: Candidate, body: Uint8Array | null): boolean {
    const { header, frame, key } = candidate
    const spaceBytes = bytesOfHex(space)
    const { changes } = this.#database
      .prepare(
        `INSERT OR IGNORE INTO parked (space, device, log, seq, id, header, signature, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(spaceBytes, header.device, header.log, header.seq, candidate.id, frame.header, frame.signature, body)
    if (changes === 0) return false
    this.#count(space, key, 1)
    if ((this.#counts.get(space)?.logs.get(key) ?? 0) > PARKED_MAX_PER_LOG) {
      this.#dropOldest('space = ? AND device = ? AND log = ?', spaceBytes, header.device, header.log)
    } else if (this.size(space) > PARKED_MAX_PER_SPACE) {
      this.#dropOldest('space = ?', spaceBytes)
    }
    return true
  }

  logs(space: SpaceId): readonly ParkedLog[] {
    return this.#database
      .prepare('SELECT DISTINCT device, log FROM parked WHERE space = ? ORDER BY device, log')
      .all(bytesOfHex(space))
      .map((row) => ({ device: blob(row.device), name: blob(row.log) }))
  }

  /** The frames of a log in the order of their numbers. */
  of(space: SpaceId, log: ParkedLog): readonly { readonly n: number; readonly frame: Frame }[] {
    return this.#database
      .prepare('SELECT * FROM parked WHERE space = ? AND device = ? AND log = ? ORDER BY seq, n')
      .all(bytesOfHex(space), log.device, log.name)
      .map((row) => ({ n: integer(row.n), frame: frameOf(row) }))
  }

  /** The lowest number that is parked of a log. */
  lowest(space: SpaceId, log: ParkedLog): number | undefined {
    const row = this.#database
      .prepare('SELECT min(seq) AS seq FROM parked WHERE space = ? AND device = ? AND log = ?')
      .get(bytesOfHex(space), log.device, log.name)
    return row === undefined || row.seq === null ? undefined : integer(row.seq)
  }

  dropBody(space: SpaceId, { device, name }: ParkedLog, seq: number): void {
    this.#database
      .prepare('UPDATE parked SET body = NULL WHERE space = ? AND device = ? AND log = ? AND seq = ?')
      .run(bytesOfHex(space), device, name, seq)
  }

  remove(space: SpaceId, key: string, n: number): void {
    this.#database.prepare('DELETE FROM parked WHERE n = ?').run(n)
    this.#count(space, key, -1)
  }

  #dropOldest(where: string, ...params: Uint8Array[]): void {
    const row = this.#database
      .prepare(`SELECT n, space, device, log FROM parked WHERE n = (SELECT min(n) FROM parked WHERE ${where})`)
      .get(...params)
    if (row === undefined) return
    this.remove(spaceIdOf(blob(row.space)), keyOfRow(row), integer(row.n))
    this.#dropped++
  }

  #count(space: SpaceId, key: string, change: number): void {
    const count = this.#counts.get(space) ?? { frames: 0, logs: new Map() }
    this.#counts.set(space, count)
    count.frames += change
    const frames = (count.logs.get(key) ?? 0) + change
    if (frames > 0) count.logs.set(key, frames)
    else count.logs.delete(key)
  }
}

function keyOfRow(row: Row): string {
  return logKeyOf(blob(row.device), blob(row.log))
}

function frameOf(row: Row): Frame {
  return {
    header: blob(row.header),
    signature: blob(row.signature),
    body: row.body === null ? null : blob(row.body),
  }
}
