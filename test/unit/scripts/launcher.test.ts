import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const LAUNCHER = new URL('../../../bin/plexus.js', import.meta.url)
const BUNDLED = `node_modules/node-${process.platform}-${process.arch}`

/** A command line that tells who runs it, then ends as it is told, or waits for a signal. */
const MAIN = `
const how = process.argv[2]
if (how === 'wait') {
  process.on('SIGINT', () => process.exit(7))
  setInterval(() => {}, 1000)
} else {
  process.exitCode = Number(how)
}
console.log(JSON.stringify({ pid: process.pid, bundled: process.env.BUNDLED === '1', args: process.argv.slice(2) }))
`
/** Makes the launcher believe that it runs on Node 20. */
const OLD = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })"

suite('launcher', { skip: process.platform === 'win32' ? 'the stand-ins are shell scripts' : false }, () => {
  let root: string
  let old: string[]
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'launcher-')))
    for (const folder of ['bin', 'dist/cli', `${BUNDLED}/bin`]) mkdirSync(join(root, folder), { recursive: true })
    cpSync(LAUNCHER, join(root, 'bin/plexus.js'))
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(root, 'dist/cli/main.js'), MAIN)
    writeFileSync(join(root, BUNDLED, 'package.json'), '{}')
    const script = `#!/bin/sh\nBUNDLED=1 exec '${process.execPath}' "$@"\n`
    writeFileSync(join(root, BUNDLED, 'bin/node'), script, { mode: 0o755 })
    writeFileSync(join(root, 'old.js'), OLD)
    old = [`--import=${pathToFileURL(join(root, 'old.js')).href}`]
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const command = (flags: string[], args: string[]): string[] => [...flags, join(root, 'bin/plexus.js'), ...args]
  const run = (
    flags: string[],
    ...args: string[]
  ): { pid: number; status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, command(flags, args), { encoding: 'utf8' })

  test('on a new Node the command line runs in this very process', () => {
    const { pid, status, stdout } = run([], '3', 'a b')
    assert.deepEqual([status, JSON.parse(stdout)], [3, { pid, bundled: false, args: ['3', 'a b'] }])
  })

  test('on an old Node it runs on the bundled one, with its arguments and its exit code', () => {
    const { status, stdout } = run(old, '3', 'a b')
    const { bundled, args } = JSON.parse(stdout)
    assert.deepEqual([status, bundled, args], [3, true, ['3', 'a b']])
  })

  test('without a bundled Node it says what is needed', () => {
    rmSync(join(root, BUNDLED), { recursive: true })
    const { status, stdout, stderr } = run(old, '0')
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^plexus: Plexus needs Node 24 or newer/)
  })

  test('without a build it says how to make one', () => {
    rmSync(join(root, 'dist'), { recursive: true })
    const { status, stderr } = run([], '0')
    assert.equal(status, 2)
    assert.match(stderr, /not built. Run: npm run build/)
  })

  const signals: [signal: NodeJS.Signals, end: [number | null, NodeJS.Signals | null]][] = [
    ['SIGINT', [7, null]], // the command line handles this one
    ['SIGTERM', [null, 'SIGTERM']],
    ['SIGHUP', [null, 'SIGHUP']],
  ]
  for (const [signal, expected] of signals) {
    test(`passes on ${signal}, and ends as the command line did`, async () => {
      const child = spawn(process.execPath, command(old, ['wait']), { stdio: ['ignore', 'pipe', 'ignore'] })
      const end = once(child, 'close')
      await once(child.stdout, 'data')
      child.kill(signal)
      assert.deepEqual(await end, expected)
    })
  }
})
