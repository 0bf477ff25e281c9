import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SCRIPTS = fileURLToPath(new URL('../../../scripts', import.meta.url))

suite('the test command', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'command-'))
    for (const name of ['test.mjs', 'test-totals.mjs', 'test-deadline.mjs']) {
      cpSync(join(SCRIPTS, name), join(root, 'scripts', name))
    }
  })
  afterEach(() => rmSync(root, { recursive: true }))

  function write(file: string, body: string): void {
    const path = join(root, 'test', file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `import { test } from 'node:test'\n${body}\n`)
  }

  function run(...words: string[]): { status: number | null; lines: string[]; stderr: string } {
    const options = { encoding: 'utf8', env: { ...process.env, PLEXUS_LEAK: 'x' } } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/test.mjs'), ...words], options)
    return { status, stderr, lines: stdout.trimEnd().split('\n') }
  }
  const headings = (lines: string[]): string[] =>
    lines.filter((line) => line.startsWith('== ')).map((line) => line.slice(3, -3))

  test('adds up the counts of all groups in one last line', () => {
    write('unit/bus/a.test.ts', "test('one', () => {})\ntest('two', { skip: 'not here' }, () => {})")
    write('unit/space/b.test.ts', "test('three', () => {})\ntest('four', () => { throw new Error('no') })")
    write('property/bus/c.test.mjs', "test('five', () => {})\ntest.todo('six')")
    const { status, lines } = run('unit', 'property')
    assert.equal(status, 1)
    assert.deepEqual(headings(lines), ['unit (2 files)', 'property (1 file)', 'summary'])
    assert.equal(lines.at(-1), '3 passed, 1 failed, 2 skipped')
    assert.match(lines.at(-4) ?? '', /^FAILED .* unit \(2 files\): 2 passed, 1 failed, 1 skipped$/)
    assert.match(lines.at(-3) ?? '', /^ok .* property \(1 file\): 1 passed, 0 failed, 1 skipped$/)
  })

  test('runs the groups in order, unknown ones before the integration tests', () => {
    for (const group of ['integration', 'crash', 'golden', 'unit']) write(`${group}/a.test.ts`, "test('one', () => {})")
    const { status, lines } = run('integration', 'golden', 'crash', 'unit')
    assert.equal(status, 0)
    const groups = ['unit (1 file)', 'golden (1 file)', 'crash (1 file)', 'integration (1 file)']
    assert.deepEqual(headings(lines), [...groups, 'summary'])
    assert.equal(lines.at(-1), '4 passed, 0 failed, 0 skipped')
  })

  test('a word that is no group selects files by their path', () => {
    for (const file of ['unit/bus/lane', 'unit/space/lane', 'property/bus/lane'])
      write(`${file}.test.ts`, "test('one', () => {})")
    assert.deepEqual(headings(run('bus').lines), ['unit (1 file)', 'property (1 file)', 'summary'])
    assert.deepEqual(headings(run('unit', 'bus').lines), ['unit (1 file)', 'summary'])
    const nothing = run('unit', 'nowhere')
    assert.deepEqual([nothing.status, nothing.stderr], [1, 'No group and no test file matches: unit nowhere\n'])
  })

  test('a file that does not load counts as failed', () => {
    write('unit/a.test.ts', "throw new Error('broken')")
    const { status, lines } = run('unit')
    assert.deepEqual([status, lines.at(-1)], [1, '0 passed, 1 failed, 0 skipped'])
  })

  test('a file that does not end is ended, and says what kept it', () => {
    write('unit/a.test.mjs', "test('one', () => {})\nsetInterval(() => {}, 1000)")
    const flags = [
      `--import=${pathToFileURL(join(root, 'scripts/test-deadline.mjs'))}`,
      join(root, 'test/unit/a.test.mjs'),
    ]
    const env = { ...process.env, NODE_TEST_CONTEXT: 'child', TEST_FILE_DEADLINE_MS: '1' }
    const { status, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8', env })
    assert.equal(status, 1)
    assert.match(stderr, /a\.test\.mjs did not end within 0\.001 s; still alive: .*Timeout/)
  })

  test('tests see a home of their own', () => {
    const checks = ['HOME', 'XDG_DATA_HOME', 'PLEXUS_HOME', 'TMPDIR'].map(
      (name) => `assert.match(process.env.${name}, /plexus-test-/)`,
    )
    write(
      'unit/a.test.mjs',
      `import assert from 'node:assert'\n${checks.join('\n')}\nassert(!('PLEXUS_LEAK' in process.env))`,
    )
    const { status, lines } = run('unit')
    assert.equal(status, 0, lines.join('\n'))
  })
})
