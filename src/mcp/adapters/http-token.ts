import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { McpError } from '../errors.ts'

const TOKEN_BYTES = 32
const TOKEN = /^[0-9a-f]{64}$/
const FILE_MAX_BYTES = 1024
const POSIX: boolean = process.platform !== 'win32'

/** The bearer token in this file, made at the first start. Only its owner may read it. Throws `ERR_HTTP_TOKEN`. */
export function keptToken(path: string): string {
  const kept = read(path)
  if (kept !== undefined) return kept
  const token = randomBytes(TOKEN_BYTES).toString('hex')
  const unfinished = `${path}.tmp`
  try {
    rmSync(unfinished, { force: true })
    // All or nothing: half a token, left by a full disk or a power cut, would be refused for ever after.
    writeFileSync(unfinished, `${token}\n`, { flag: 'wx', mode: 0o600, flush: true })
    renameSync(unfinished, path)
    return token
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw unusable(`${path} cannot be written`, 'Free some disk space, and see that the folder is yours.', cause)
  }
}

/** Looks at the open file, so that it cannot be exchanged between. */
function read(path: string): string | undefined {
  const file = openExisting(path)
  if (file === undefined) return undefined
  try {
    const stat = fstatSync(file)
    if (POSIX && (stat.mode & 0o077) !== 0) {
      const fix = `Run: chmod 600 '${path}'. If somebody may have read it, delete it instead: the next start makes another.`
      throw unusable(`other users may read ${path}`, fix)
    }
    const token = stat.isFile() && stat.size <= FILE_MAX_BYTES ? readFileSync(file, 'utf8').trim() : ''
    if (TOKEN.test(token)) return token
    throw unusable(`${path} holds no token`, `Delete ${path}; the next start makes a new one.`)
  } finally {
    closeSync(file)
  }
}

function openExisting(path: string): number | undefined {
  try {
    // Without waiting, should it be a pipe.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(`${path} cannot be read`, `Make ${path} readable for you.`, cause)
  }
}

function unusable(message: string, fix: string, cause?: unknown): McpError {
  return new McpError('ERR_HTTP_TOKEN', message, { cause, fix })
}
