import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'

const SCRIPT = new URL('../../../scripts/install.mjs', import.meta.url)

/** Stands in for npm: it does what `npm ci` leaves behind, or fails as npm would, and writes down each call. */
const NPM = `
const { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const mode = process.env.FAKE_NPM
appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
if (mode.startsWith('E')) {
  console.error('npm error code ' + mode + '\\nnpm error text of it')
  process.exit(1)
}
if (mode === 'unreachable') {
  console.error('npm http fetch GET http://registry/one attempt 1 failed with ENOTFOUND')
  setInterval(() => {}, 1000)
  return
}
const finish = () => {
  rmSync('node_modules', { recursive: true, force: true })
  mkdirSync('node_modules/.bin', { recursive: true })
  writeFileSync('node_modules/.package-lock.json', readFileSync('package-lock.json'))
  const version = mode === 'old' ? 'v20.1.0' : process.version
  writeFileSync('node_modules/.bin/node', '#!/bin/sh\\necho ' + version + '\\n', { mode: 0o755 })
  console.log('added 1 package')
  process.exit(0)
}
if (mode !== 'slow') finish()
console.log('npm is at it')
setInterval(() => existsSync('go') && finish(), 20)
`

suite('install', { skip: process.platform === 'win32' ? 'the stand-ins are shell scripts' : false }, () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'install-'))
    mkdirSync(join(root, 'scripts'))
    cpSync(SCRIPT, join(root, 'scripts/install.mjs'))
    writeFileSync(join(root, 'npm-cli.js'), NPM)
    writeLock('1.0.0')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  function writeLock(version: string): void {
    const entry = { version, optional: true, os: [process.platform], cpu: [process.arch] }
    writeFileSync(join(root, 'package.json'), JSON.stringify({ dependencies: { one: version } }))
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/one': entry } }))
  }

  const environment = (mode: string): NodeJS.ProcessEnv => ({
    ...process.env,
    FAKE_NPM: mode,
    npm_execpath: join(root, 'npm-cli.js'),
    npm_node_execpath: process.execPath,
  })
  const script = (): string => join(root, 'scripts/install.mjs')
  const run = (
    mode: string,
    env: NodeJS.ProcessEnv = {},
  ): { status: number | null; stdout: string; stderr: string } => {
    const options = { env: { ...environment(mode), ...env }, encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [script()], options)
    return { status, stdout, stderr }
  }
  const start = (mode: string): ChildProcess => spawn(process.execPath, [script()], { env: environment(mode) })
  const calls = (): number =>
    existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n').length : 0
  const leftovers = (): string[] => readdirSync(root).filter((name) => name.startsWith('.install-lock'))

  test('installs once, without install scripts, and is silent from then on', () => {
    const first = run('ok')
    assert.deepEqual([first.status, first.stdout], [0, ''])
    assert.match(first.stderr, /First run: installing.*\n[\s\S]*added 1 package[\s\S]*Installed in \d+ s/)
    assert.match(readFileSync(join(root, 'calls'), 'utf8'), /^ci --ignore-scripts /)
    assert.deepEqual(run('ok'), { status: 0, stdout: '', stderr: '' })
    assert.equal(calls(), 1)
    assert.deepEqual(leftovers(), [])
  })

  test('installs again when the lockfile changed', () => {
    run('ok')
    writeLock('1.0.1')
    assert.match(run('ok').stderr, /do not match the lockfile/)
    assert.equal(calls(), 2)
  })

  test('accepts what was installed by hand', () => {
    mkdirSync(join(root, 'node_modules/.bin'), { recursive: true })
    cpSync(join(root, 'package-lock.json'), join(root, 'node_modules/.package-lock.json'))
    assert.deepEqual([run('ok').status, calls()], [0, 0])
  })

  test('a package missing for this very system is no complete installation', () => {
    mkdirSync(join(root, 'node_modules'))
    writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: {} }))
    assert.deepEqual([run('ok').status, calls()], [0, 1])
  })

  const failures: [code: string, message: RegExp, fix: RegExp][] = [
    ['ENOTFOUND', /registry cannot be reached \(ENOTFOUND\): this machine is offline/, /works offline/],
    ['ECONNREFUSED', /registry cannot be reached \(ECONNREFUSED\)/, /npm config set registry/],
    ['EAI_AGAIN', /registry cannot be reached \(EAI_AGAIN\)/, /HTTPS_PROXY/],
    ['ETIMEDOUT', /registry cannot be reached \(ETIMEDOUT\)/, /Connect/],
    ['EUSAGE', /package.json and package-lock.json do not fit together/, /npm install and commit both/],
    ['ENOSPC', /disk is full \(ENOSPC\)/, /Free about/],
    ['EACCES', /may not write here \(EACCES\)/, /writable/],
    ['EINTEGRITY', /does not have the hash/, /do not trust the registry/],
    ['ETARGET', /does not hand out a package/, /npm config get registry/],
    ['ESTRANGE', /npm ci failed \(exit code 1\)/, /npm ci/],
  ]
  for (const [code, message, fix] of failures) {
    test(`says what is wrong: ${code}`, () => {
      const { status, stdout, stderr } = run(code)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, /npm error text of it/)
      assert.match(stderr, new RegExp(`Plexus could not be installed. [^\n]*${message.source}`))
      assert.match(stderr, new RegExp(`\nFix: [^\n]*${fix.source}`))
      assert.deepEqual(leftovers(), [])
    })
  }

  test('does not wait for ever for a registry that does not answer', () => {
    const { status, stderr } = run('unreachable', { npm_config_fetch_retry_maxtimeout: '0' })
    assert.equal(status, 1)
    assert.match(stderr, /The npm registry cannot be reached \(ENOTFOUND\)/)
    assert.doesNotMatch(stderr, /npm http/)
  })

  test('explains when no Node is new enough, and does not leave one in the way', () => {
    const folder = join(root, 'system')
    mkdirSync(folder)
    writeFileSync(join(folder, 'node'), '#!/bin/sh\necho v20.2.0\n', { mode: 0o755 })
    const { status, stderr } = run('old', { PATH: folder + delimiter + process.env.PATH })
    assert.equal(status, 1)
    assert.match(stderr, /needs Node 24 or newer; this machine has v20.2.0/)
    assert.match(stderr, /Fix: Install Node 24/)
    assert.equal(existsSync(join(root, 'node_modules/.bin/node')), false)
  })

  test('of two runs at once one installs and the other waits', async () => {
    const one = start('slow')
    await heard(one, 'npm is at it')
    const two = start('slow')
    await heard(two, `process ${one.pid}); waiting`)
    const ends = [once(one, 'close'), once(two, 'close')]
    writeFileSync(join(root, 'go'), '')
    assert.deepEqual((await Promise.all(ends)).flat(), [0, null, 0, null])
    assert.equal(calls(), 1)
    assert.deepEqual(leftovers(), [])
  })

  test('takes over the lock of a run that died', () => {
    const dead = spawnSync(process.execPath, ['--version']).pid
    mkdirSync(join(root, '.install-lock'))
    writeFileSync(join(root, '.install-lock/owner'), `${hostname()} ${dead} 1`)
    assert.deepEqual([run('ok').status, calls()], [0, 1])
    assert.deepEqual(leftovers(), [])
  })

  test('an interrupted run gives its lock back and the next one installs', async () => {
    const one = start('slow')
    await heard(one, 'npm is at it')
    const end = once(one, 'close')
    const interrupted = heard(one, 'interrupted (SIGTERM)')
    one.kill('SIGTERM')
    await interrupted
    assert.deepEqual(await end, [1, null])
    assert.deepEqual([run('ok').status, calls()], [0, 2])
    assert.deepEqual(leftovers(), [])
  })
})

/** Resolves once the process has printed the text on stderr. */
function heard(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let all = ''
    child.stderr?.on('data', (chunk) => {
      all += chunk
      if (all.includes(text)) resolve()
    })
    child.on('close', () => reject(new Error(`it ended without saying '${text}': ${all}`)))
  })
}
