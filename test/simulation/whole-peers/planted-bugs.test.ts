import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from './plant.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'

const PROGRAM = join(import.meta.dirname, 'main.ts')

for (const { name, file, text, instead } of PLANTED_BUGS) {
  test(`the place of the planted bug ${name} is there once`, () => {
    const source = readFileSync(join(ROOT, file), 'utf8')
    assert.equal(source.split(text).length - 1, 1, `mend its text in planted-bugs.ts: ${file} has changed`)
    assert.notEqual(text, instead)
  })
}

// Each in a process of its own, because a module is loaded once.
describe('the simulator finds', { concurrency: Math.max(1, Math.floor(availableParallelism() / 2)) }, () => {
  for (const { name, seed } of PLANTED_BUGS) {
    test(`${name}`, async () => {
      const args = ['--no-warnings', PROGRAM, '--seed', String(seed), '--bug', name]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      const { violation } = JSON.parse(stdout) as { readonly violation?: { readonly message: string } }
      assert.ok(violation !== undefined, `npm run sim -- --bugs --bug ${name} tells which seed finds it now`)
    })
  }
})
