import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const FROM_SOURCE = join(import.meta.dirname, '../../support/from-source.ts')

/** What each example prints. */
const PROMISED: Readonly<Record<string, readonly RegExp[]>> = {
  'bus-alone.ts': [/^lab\.alerts: the run has diverged$/m, /^hello bohr$/m],
  'records-alone.ts': [/^1 \{"unit":"ms","value":412\} signature valid$/m, /^3 .*407.* signature valid$/m],
  'thoughts-alone.ts': [/^The cache is cold after midnight$/m, /10\.1145\/359545\.359563/],
  'whole-peer.ts': [/^ada: Seed 7 diverges after step 4000 \(signature valid\)$/m],
  'custom-domain.ts': [/^\{"word":"quorum","n":2\}$/m],
}

const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'))

for (const name of names) {
  test(`${name} runs and shows what it promises`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', FROM_SOURCE, join(EXAMPLES, name)], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    for (const line of PROMISED[name] ?? [/^never$/]) assert.match(stdout, line)
  })
}

test('every example has its line in the README', () => {
  const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8')
  assert.deepEqual(
    names.filter((name) => !readme.includes(`[${name}](${name})`)),
    [],
  )
})
