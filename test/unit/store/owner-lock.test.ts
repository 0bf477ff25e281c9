import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { acquireOwnerLock } from '../../../src/store/index.ts'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../../src/store/index.ts')).href

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-lock-'))
  path = join(folder, 'owner.lock')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

suite('the lock of a profile', () => {
  test('is held once in a process, until it is released', () => {
    const lock = acquireOwnerLock({ path })
    for (let time = 0; time < 2; time++) {
      assert.throws(() => acquireOwnerLock({ path }), { code: 'ERR_PROFILE_LOCKED', fix: /plexus down/ })
    }
    lock.release()
    lock.release()
    {
      using again = acquireOwnerLock({ path })
      assert.equal(again.path, path)
    }
    acquireOwnerLock({ path }).release()
  })

  test('belongs to its owner only', { skip: process.platform === 'win32' }, () => {
    using _lock = acquireOwnerLock({ path })
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  test('cannot be had where no file can be', () => {
    assert.throws(() => acquireOwnerLock({ path: join(folder, 'none', 'owner.lock') }), { code: 'ERR_STORE_FAILED' })
  })

  test('is held against other processes, and free as soon as its holder was killed', async () => {
    const program = `
      import { acquireOwnerLock } from ${JSON.stringify(MODULE)}
      globalThis.lock = acquireOwnerLock({ path: ${JSON.stringify(path)} }) // what nobody refers to is soon let go of
      process.stdout.write('held')
      process.stdin.resume()`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
    let complaints = ''
    child.stderr.on('data', (chunk) => {
      complaints += chunk
    })
    const exit = once(child, 'exit')
    await Promise.race([once(child.stdout, 'data'), exit.then(() => assert.fail(complaints))])
    try {
      assert.throws(() => acquireOwnerLock({ path }), { code: 'ERR_PROFILE_LOCKED' })
    } finally {
      child.kill('SIGKILL')
      await exit
    }
    acquireOwnerLock({ path }).release()
    assert.equal(complaints, '', 'not even a warning about node:sqlite')
  })
})
