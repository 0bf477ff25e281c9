import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { keptToken } from '../../../src/mcp/adapters/http-token.ts'

const posix = { skip: process.platform === 'win32' }
let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-token-'))
  path = join(folder, 'http-token')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function assertRefused(message: RegExp): void {
  assert.throws(
    () => keptToken(path),
    (error: Error & { code?: string; fix?: string }) => {
      assert.equal(error.code, 'ERR_HTTP_TOKEN')
      assert.match(error.message, message)
      assert.ok(error.fix)
      return true
    },
  )
}

test('a token is made once, for its owner only, and nothing else is left', () => {
  const token = keptToken(path)
  assert.match(token, /^[0-9a-f]{64}$/)
  assert.equal(keptToken(path), token)
  if (!posix.skip) assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['http-token'])
})

test('what an unfinished start left behind is in nobody’s way', () => {
  writeFileSync(`${path}.tmp`, 'ab')
  assert.match(keptToken(path), /^[0-9a-f]{64}$/)
  assert.deepEqual(readdirSync(folder), ['http-token'])
})

test('a token that others may have read is refused, and stays as it is', posix, () => {
  const token = keptToken(path)
  chmodSync(path, 0o644)
  assertRefused(/other users may read/)
  assert.equal(readFileSync(path, 'utf8'), `${token}\n`)
})

test('a damaged file is refused', () => {
  writeFileSync(path, 'no token', { mode: 0o600 })
  assertRefused(/holds no token/)
  writeFileSync(path, 'a'.repeat(100_000))
  assertRefused(/holds no token/)
})

test('a pipe is refused without waiting for somebody to write to it', posix, () => {
  execFileSync('mkfifo', ['-m', '600', path])
  assertRefused(/holds no token/)
})

test('a link that leads nowhere is replaced', posix, () => {
  symlinkSync(join(folder, 'nothing'), path)
  const token = keptToken(path)
  assert.deepEqual([keptToken(path), readdirSync(folder)], [token, ['http-token']])
})
