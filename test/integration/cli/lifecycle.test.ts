import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { PeerCommandError } from '../../../demo/peer.ts'
import { Profiles } from '../../support/profiles.ts'

const CLI = join(import.meta.dirname, '../../../src/cli/main.ts')
const IMPORT_LOG = join(import.meta.dirname, '../../support/import-log.ts')

function plexus(
  home: string,
  ...args: readonly string[]
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: home, NO_COLOR: '1' },
    encoding: 'utf8',
  })
}

/** A process that has ended but was not yet collected by its parent does not run any more. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    // The second: it was collected between the opening of the file and its reading.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

test('up twice is one daemon, down ends it, and nothing is left but the data', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  const first = await ada.up()
  const second = await ada.up()
  assert.equal(second.daemon.pid, first.daemon.pid)
  await ada.down()
  // The system closes the files of a process, which is what `down` waits for, an instant before it counts as ended.
  while (isRunning(first.daemon.pid)) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(existsSync(join(profiles.home, 'ada', 'daemon.json')), false)
  const again = await ada.up()
  assert.equal(again.peer, first.peer, 'the identity is kept')
  assert.deepEqual(again.addresses, first.addresses, 'the port is kept')
})

test('the key and the token can be read by their owner only', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  for (const file of ['identity.json', 'http-token', 'control.sock', 'mcp.sock', 'plexus.db']) {
    assert.equal(statSync(join(profiles.home, 'ada', file)).mode & 0o077, 0, file)
  }
  assert.equal(statSync(join(profiles.home, 'ada')).mode & 0o077, 0)
})

test('commands without a daemon say so, with exit code 3', () => {
  const home = new Profiles().home
  const { status, stderr, stdout } = plexus(home, 'status')
  assert.equal(status, 3)
  assert.match(stderr, /ERR_DAEMON_NOT_RUNNING/)
  assert.match(stderr, /plexus up/)
  assert.equal(stdout, '')
  const json = plexus(home, 'peers', '--json')
  assert.equal(json.status, 3)
  assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, 'ERR_DAEMON_NOT_RUNNING')
})

test('bad usage ends with exit code 2', () => {
  const home = new Profiles().home
  assert.equal(plexus(home, 'no-such-command').status, 2)
  assert.equal(plexus(home, 'status', '--no-such-option').status, 2)
  assert.equal(plexus(home, 'status', '--profile', '../elsewhere').status, 2)
  assert.equal(plexus(home, '--version').status, 0)
})

test('the command line imports neither libp2p nor the MCP SDK', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', IMPORT_LOG, CLI, 'status', '--profile', 'ada', '--json'],
    {
      env: { PATH: process.env.PATH, HOME: profiles.home, PLEXUS_HOME: profiles.home },
      encoding: 'utf8',
    },
  )
  assert.equal(status, 0)
  const imported = stderr.split('\n').filter((line) => line.startsWith('import '))
  assert.ok(
    imported.some((line) => line.includes('commander')),
    'the log works',
  )
  assert.deepEqual(
    imported.filter((line) => /libp2p|multiaddr|modelcontextprotocol/.test(line)),
    [],
  )
})

test('a second daemon on the same profile is refused while the first one lives', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const main = join(import.meta.dirname, '../../../src/cli/daemon/main.ts')
  const { status, output } = spawnSync(process.execPath, [main, 'ada', '{}'], {
    env: { PATH: process.env.PATH, HOME: profiles.home, PLEXUS_HOME: profiles.home },
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  assert.equal(status, 1)
  const report = JSON.parse(output[3] ?? '') as { ready: boolean; code: string; fix: string }
  assert.equal(report.ready, false)
  assert.equal(report.code, 'ERR_PROFILE_LOCKED')
  assert.ok(report.fix.length > 0)
})

test('data of a newer version is refused and left as it is', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  await ada.down()
  const path = join(profiles.home, 'ada', 'plexus.db')
  {
    using database = new DatabaseSync(path)
    database.exec(`UPDATE meta SET version = version + 1000, app_version = '99.0.0'`)
  }
  await fails(ada.up(), 'ERR_STORE_NEWER', /99\.0\.0/)
  {
    using database = new DatabaseSync(path)
    database.exec('UPDATE meta SET version = version - 1000')
  }
  await ada.up()
})

test('a port that is asked for and taken is refused; one left to chance is replaced, and that is said', async () => {
  await using profiles = new Profiles()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const taken = `/ip4/127.0.0.1/tcp/${address.port}`
    await fails(
      profiles.peer('ada').plexus('up', '--listen', taken, '--no-mdns', '--http-port', '0'),
      'ERR_ADDRESS_IN_USE',
      /in use|taken/i,
    )
    const report = await profiles
      .peer('bohr')
      .plexus<{ notes: string[] }>(
        'up',
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--no-mdns',
        '--http-port',
        String(address.port),
      )
    assert.ok(
      report.notes.some((note) => note.includes(`port ${address.port} is taken`)),
      report.notes.join(),
    )
  } finally {
    server.close()
  }
})

test('a key file that others may read, and one that is damaged, are refused and not replaced', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  await ada.down()
  const path = join(profiles.home, 'ada', 'identity.json')
  const before = readFileSync(path)
  chmodSync(path, 0o644)
  await fails(ada.up(), 'ERR_KEY_PERMISSIONS', /./)
  chmodSync(path, 0o600)
  assert.deepEqual(readFileSync(path), before)
  await ada.up()
})

test('doctor looks at everything with the daemon up, and at the rest when it was killed', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await profiles.joined('ada', 'bohr')
  await ada.plexus('peers', '--wait', '1')
  interface Report {
    readonly state: string
    readonly checks: readonly {
      readonly name: string
      readonly state: string
      readonly detail: string
      readonly fix?: string
    }[]
  }
  const well = await ada.plexus<Report>('doctor')
  assert.ok(well.checks.length >= 25, `${well.checks.length}`)
  assert.ok(well.checks.every((check) => check.state === 'ok' || check.fix !== undefined))
  for (const name of ['store', 'schema', 'own dial', 'mcp over http', 'clocks', 'disk writes', 'daemon']) {
    assert.equal(well.checks.find((check) => check.name === name)?.state, 'ok', name)
  }
  ada.kill()
  while (isRunning(ada.report.daemon.pid)) await new Promise((resolve) => setImmediate(resolve))
  const killed = await ada.plexus<Report>('doctor')
  assert.equal(killed.state, 'degraded')
  for (const [name, state] of [
    ['daemon', 'warn'],
    ['last end', 'warn'],
    ['store', 'ok'],
  ] as const) {
    assert.equal(killed.checks.find((check) => check.name === name)?.state, state, name)
  }
})

test('a relative PLEXUS_HOME means the same folder to the command and to its daemon', () => {
  const { home } = new Profiles()
  const run = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, [CLI, ...args], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: 'here', NO_COLOR: '1' },
      encoding: 'utf8',
    })
  assert.equal(run('up', '--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--http-port', '0').status, 0)
  assert.equal(run('status').status, 0)
  assert.equal(run('down').status, 0)
  assert.deepEqual(readdirSync(join(home, 'here')), ['default'])
})

test('a home that cannot be made is refused with its name', () => {
  const { home } = new Profiles()
  writeFileSync(join(home, 'file'), '')
  for (const wrong of [join(home, 'file', 'deeper'), ...(process.platform === 'linux' ? ['/proc/nowhere'] : [])]) {
    const { status, stdout } = spawnSync(process.execPath, [CLI, 'up', '--json'], {
      env: { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: wrong },
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'ERR_HOME')
  }
})

test('a reader that has seen enough ends a command without a complaint', async () => {
  await using profiles = new Profiles()
  await profiles.peer('ada').up()
  const script = `"${process.execPath}" "${CLI}" status --profile ada --json | head -c 3`
  const { stderr, stdout } = spawnSync('bash', ['-c', script], {
    env: { PATH: process.env.PATH, HOME: profiles.home, PLEXUS_HOME: profiles.home },
    encoding: 'utf8',
  })
  assert.deepEqual([stdout.length <= 3, stderr], [true, ''])
})

test('what cannot be a bibliography is refused at once, a named pipe too', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const pipe = join(profiles.home, 'pipe.bib')
  spawnSync('mkfifo', [pipe])
  for (const path of [pipe, profiles.home, '/dev/zero', join(profiles.home, 'missing.bib')]) {
    await fails(ada.plexus('research', 'import', path), 'ERR_FILE_UNREADABLE', /./)
  }
})

test('an option that must be a number and is none is refused before anybody is asked', () => {
  const { home } = new Profiles()
  for (const args of [
    ['recall', 'x', '--limit', 'many'],
    ['invite', '--uses', ''],
    ['peers', '--wait', '1e'],
  ]) {
    const { status, stderr } = plexus(home, ...args)
    assert.equal(status, 2, args.join(' '))
    assert.match(stderr, /takes a number/)
  }
})

async function fails(attempt: Promise<unknown>, code: string, reason: RegExp): Promise<void> {
  await assert.rejects(attempt, (error: unknown) => {
    assert.ok(error instanceof PeerCommandError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.reason, reason)
    return true
  })
}
