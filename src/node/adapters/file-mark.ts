import { statSync } from 'node:fs'
import { errnoOf } from '../../base/index.ts'

/**
 * Which file lies at `path` now: the same text as long as it is the same file, `undefined` when there is none. Only looks at the
 * name: closing a handle of SQLite's files would drop its locks. Throws what node:fs throws.
 */
export function fileMark(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
