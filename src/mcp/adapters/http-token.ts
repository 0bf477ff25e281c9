import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { isHex, readPrivateFile } from '../../base/index.ts'
import { McpError } from '../errors.ts'

const TOKEN_BYTES = 32
const FILE_MAX_BYTES = 1024

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

function read(path: string): string | undefined {
  const found = readOrSay(path)
  if (found === undefined) return undefined
  if (typeof found === 'object' && found.fault === 'open-to-others') {
    const fix = `Run \`chmod 600 '${path}'\`. If somebody may have read it, delete it instead: the next start makes another.`
    throw unusable(`other users may read ${path}`, fix)
  }
  const token = typeof found === 'string' ? found.trim() : ''
  if (isHex(token, TOKEN_BYTES)) return token
  throw unusable(`${path} holds no token`, `Delete ${path}; the next start makes a new one.`)
}

function readOrSay(path: string): ReturnType<typeof readPrivateFile> {
  try {
    return readPrivateFile(path, FILE_MAX_BYTES)
  } catch (cause) {
    throw unusable(`${path} cannot be read`, `Make ${path} readable for you.`, cause)
  }
}

function unusable(message: string, fix: string, cause?: unknown): McpError {
  return new McpError('ERR_HTTP_TOKEN', message, { cause, fix })
}
