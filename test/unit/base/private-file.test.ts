import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { createPrivateFile, readPrivateFile } from '../../../src/base/index.ts'

const posix = { skip: process.platform === 'win32' }
let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-private-'))
  path = join(folder, 'secret')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

suite('a file for its owner alone', () => {
  test('is read, if there is one', () => {
    assert.equal(readPrivateFile(path, 100), undefined)
    writeFileSync(path, 'secret', { mode: 0o600 })
    assert.equal(readPrivateFile(path, 100), 'secret')
  })

  test('is not read when others may open it', posix, () => {
    writeFileSync(path, 'secret')
    for (const mode of [0o640, 0o604, 0o610]) {
      chmodSync(path, mode)
      assert.deepEqual(readPrivateFile(path, 100), { fault: 'open-to-others' })
    }
  })

  test('is not read when it is too large', () => {
    writeFileSync(path, 'secret', { mode: 0o600 })
    assert.deepEqual(readPrivateFile(path, 5), { fault: 'too-large' })
  })

  test('is no folder, and no pipe that nobody writes to', posix, () => {
    mkdirSync(path, { mode: 0o700 })
    assert.deepEqual(readPrivateFile(path, 100), { fault: 'not-a-file' })
    rmSync(path, { recursive: true })
    execFileSync('mkfifo', ['-m', '600', path])
    assert.deepEqual(readPrivateFile(path, 100), { fault: 'not-a-file' })
  })

  test('is not there at the end of a link that leads nowhere', posix, () => {
    symlinkSync(join(folder, 'nothing'), path)
    assert.equal(readPrivateFile(path, 100), undefined)
  })

  test('is made with its mode, and left alone when it is there', () => {
    createPrivateFile(path)
    if (!posix.skip) assert.equal(statSync(path).mode & 0o777, 0o600)
    writeFileSync(path, 'secret')
    createPrivateFile(path)
    assert.equal(readFileSync(path, 'utf8'), 'secret')
  })
})
