import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempDisposableSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const FROM_SOURCE = join(import.meta.dirname, '../../support/from-source.ts')
const DEADLINE_MS = 60_000

/** All that each example prints, line by line. */
const PROMISED: Readonly<Record<string, readonly RegExp[]>> = {
  'bus-alone.ts': [/^lab\.alerts: the run has diverged$/, /^hello ada$/],
  'custom-component.ts': [/^The cluster is down until noon$/, /^ok: \{"notices":1,"handlerFailures":0\}$/],
  'custom-domain.ts': [/^\{"word":"quorum","n":2\}$/],
  'papers-alone.ts': [
    /^2 papers, 1 citation$/,
    /^rejected, line 5: .*not closed/,
    /^Time, Clocks.* \(cited by 1\)$/,
    /^Lamport, L\. \(1978\)\. .*10\.1145\/359545\.359563$/,
  ],
  'records-alone.ts': [412, 398, 407].map(
    (value, index) => new RegExp(`^${index + 1} \\{"unit":"ms","value":${value}\\} signature valid$`),
  ),
  'thoughts-alone.ts': [/^The cache is cold .* \(contradicted by 1\)$/, /^Since Monday .* \(contradicted by 0\)$/],
  'whole-peer.ts': [/^ada: Seed 7 diverges after step 4000 \(signature valid\)$/],
  'with-plexus.ts': [
    /^\d+ tools of its own, and node_status, .*, research_ask$/,
    /^Seed 7 diverges after step 4000 \(mcp-servers\/everything\/2\.0\.0 for someone\/1\.0\)$/,
  ],
}

const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'))

test('every example promises something and has its line in the README', () => {
  const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8')
  assert.deepEqual(names.sort(), Object.keys(PROMISED))
  assert.deepEqual(
    names.filter((name) => !readme.includes(`| [${name}](${name}) |`)),
    [],
  )
})

for (const [name, promised] of Object.entries(PROMISED)) {
  test(`${name} shows what it promises and leaves nothing behind`, () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'examples-'))
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      ['--import', FROM_SOURCE, join(EXAMPLES, name)],
      { cwd: folder.path, env: { ...process.env, TMPDIR: folder.path }, encoding: 'utf8', timeout: DEADLINE_MS },
    )
    assert.equal(error, undefined)
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    assert.equal(lines.length, promised.length, stdout)
    for (const [index, line] of lines.entries()) assert.match(line, promised[index] as RegExp)
    assert.deepEqual(readdirSync(folder.path), [])
  })
}
