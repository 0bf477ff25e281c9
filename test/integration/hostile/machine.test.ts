import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, openSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { PeerCommandError } from '../../../demo/peer.ts'
import { profileOf } from '../../../src/control/index.ts'
import { Profiles } from '../../support/profiles.ts'

const CLI = join(import.meta.dirname, '../../../src/cli/main.ts')
const UP = ['up', '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--http-port', '0', '--json']
const posix = { skip: process.platform === 'win32' }

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line with exactly this environment. */
async function plexus(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  options: { readonly stdout?: number | 'pipe'; readonly onStart?: (child: ChildProcess) => void } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  options.onStart?.(child)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

function codeIn({ stdout }: Ended): string | undefined {
  return (JSON.parse(stdout) as { error?: { code: string } }).error?.code
}

test('a start that meets a daemon which is still stopping waits for its end', {
  ...posix,
  timeout: 60_000,
}, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  await ada.plexus('peers', '--wait', '1')
  const { pid } = ada.report.daemon
  // A peer that does not answer makes saying goodbye take its time.
  process.kill(bohr.report.daemon.pid, 'SIGSTOP')
  try {
    process.kill(pid, 'SIGTERM')
    const { daemon } = await ada.up()
    assert.notEqual(daemon.pid, pid)
  } finally {
    process.kill(bohr.report.daemon.pid, 'SIGCONT')
  }
})

test('a daemon that hangs is said to, by every command', { ...posix, timeout: 60_000 }, async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const { daemon } = await ada.up()
  process.kill(daemon.pid, 'SIGSTOP')
  try {
    const commands = [['status'], ['think', 'is anybody there?'], ['down']]
    const outcomes = await Promise.allSettled(commands.map((args) => ada.plexus(...args)))
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'rejected')
      const { reason: error } = outcome
      assert.ok(error instanceof PeerCommandError)
      assert.equal(error.code, 'ERR_DAEMON_LOST')
      assert.match(error.reason, /did not answer/)
    }
  } finally {
    process.kill(daemon.pid, 'SIGCONT')
  }
  assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
})

test('an interrupted command ends at once, with its own exit code, and the daemon goes on', posix, async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const env = { HOME: profiles.home, PLEXUS_HOME: profiles.home, PLEXUS_PROFILE: 'ada' }
  // Waiting for a peer that never comes shows that it waits by not ending; being interrupted early must do no harm either.
  for (const delayTurns of [0, 50, 5_000]) {
    const ended = await plexus(env, ['peers', '--wait', '5'], {
      onStart: async (child) => {
        for (let turn = 0; turn < delayTurns; turn++) await new Promise(setImmediate)
        child.kill('SIGINT')
      },
    })
    assert.ok(ended.code === 130 || ended.code === null, JSON.stringify(ended))
    assert.doesNotMatch(ended.stderr, /\n {4}at /, 'no stack')
  }
  assert.equal((await ada.plexus<{ name: string }>('status')).name, 'ada')
})

test('a daemon in the foreground that cannot start says why and ends', { timeout: 20_000 }, async () => {
  await using profiles = new Profiles()
  const env = { HOME: profiles.home, PLEXUS_HOME: profiles.home }
  const folder = join(profiles.home, 'default')
  mkdirSync(join(folder, 'daemon.json'), { recursive: true, mode: 0o700 })
  const ended = await plexus(env, [...UP, '--foreground'])
  assert.equal(ended.code, 1)
  assert.match(ended.stdout, /daemon\.json/)
  rmdirSync(join(folder, 'daemon.json'))
})

test('a folder that cannot be used is named, with what to do', posix, async () => {
  await using profiles = new Profiles()
  const { home } = profiles
  for (const env of [{ HOME: '' }, { HOME: 'relative' }]) {
    assert.equal(codeIn(await plexus(env, ['status', '--json'])), 'ERR_HOME', JSON.stringify(env))
  }
  assert.equal(codeIn(await plexus({ HOME: home, PLEXUS_HOME: '/dev/null/x' }, UP)), 'ERR_HOME')
  mkdirSync(join(home, 'default', 'daemon.log'), { recursive: true, mode: 0o700 })
  const ended = await plexus({ HOME: home, PLEXUS_HOME: home }, UP)
  assert.equal(codeIn(ended), 'ERR_HOME')
  assert.match(ended.stdout, /cannot be written/)
})

test('what is wrong with the output is said in a sentence', { skip: process.platform !== 'linux' }, async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const env = { HOME: profiles.home, PLEXUS_HOME: profiles.home, PLEXUS_PROFILE: 'ada' }
  const { code, stderr } = await plexus(env, ['status'], { stdout: openSync('/dev/full', 'w') })
  assert.equal(code, 1)
  assert.match(stderr, /^error .*ENOSPC/)
  assert.equal(stderr.trim().split('\n').length, 1)
})

test(
  'a very long path works from every environment, and a folder that others can get at is refused',
  posix,
  async () => {
    await using profiles = new Profiles()
    const home = join(profiles.home, 'd'.repeat(120), 'e'.repeat(120))
    const env = { HOME: profiles.home, PLEXUS_HOME: home }
    const { folder, controlSocket } = profileOf(undefined, env)
    const sockets = dirname(controlSocket)
    assert.notEqual(sockets, folder)
    assert.equal((await plexus(env, UP)).code, 0)
    assert.equal(statSync(sockets).mode & 0o077, 0)
    assert.deepEqual(readdirSync(sockets).sort(), ['control.sock', 'mcp.sock'])
    // An MCP client starts us without most of the environment.
    assert.equal((await plexus({ ...env, TMPDIR: profiles.home }, ['status', '--json'])).code, 0)
    assert.equal((await plexus(env, ['down'])).code, 0)

    chmodSync(sockets, 0o777)
    try {
      assert.equal(codeIn(await plexus(env, UP)), 'ERR_HOME')
      assert.equal(codeIn(await plexus(env, ['status', '--json'])), 'ERR_HOME')
    } finally {
      rmdirSync(sockets)
    }
  },
)
