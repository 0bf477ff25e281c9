import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { syncToDisk } from '../../../base/index.ts'

const MARK_FILE = 'repair-wanted'

/** A small file in a profile that says that its database is damaged: the next start repairs it first. */
export interface RepairMark {
  /** What was found. */
  readonly reason: string | undefined
  set(reason: string): void
  clear(): void
}

export function repairMark(folder: string): RepairMark {
  const path = join(folder, MARK_FILE)
  return {
    get reason() {
      return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
    },
    set: (reason) => {
      writeFileSync(path, `${reason}\n`, { mode: 0o600, flush: true })
      if (process.platform !== 'win32') syncToDisk(folder)
    },
    clear: () => rmSync(path, { force: true }),
  }
}
