import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../../src/cli/errors.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

const MAIN = join(import.meta.dirname, '../../../src/cli/daemon/main.ts')
const OPTIONS = JSON.stringify({ listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, httpPort: 0 })

interface Daemon {
  readonly process: ChildProcess
  /** Settles with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

/** A daemon that is a child of this process, which therefore learns how it ends. */
async function daemon({ home }: Profiles, name: string): Promise<Daemon> {
  const child = spawn(process.execPath, [MAIN, name, OPTIONS], {
    env: { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: home },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal)
  const report = child.stdio[3]
  assert.ok(report !== null && report !== undefined)
  const [said] = await once(report, 'data')
  assert.match(String(said), /"ready":true/)
  return { process: child, ended }
}

test('SIGTERM and SIGINT end a daemon in good order', async () => {
  await using profiles = new Profiles()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const ada = await daemon(profiles, 'ada')
    ada.process.kill(signal)
    assert.equal(await ada.ended, EXIT.ok)
  }
})

test('a second SIGTERM ends at once a daemon that waits for a peer which does not answer', async () => {
  await using profiles = new Profiles()
  const ada = await daemon(profiles, 'ada')
  const { ticket } = await profiles.peer('ada').plexus<{ ticket: string }>('invite')
  const bohr = profiles.peer('bohr')
  await bohr.up()
  await bohr.plexus('join', ticket)
  const { pid } = bohr.report.daemon
  process.kill(pid, 'SIGSTOP')
  try {
    ada.process.kill('SIGTERM')
    const log = join(profiles.home, 'ada', 'daemon.log')
    await eventually(async () => (await readFile(log, 'utf8')).includes('the daemon is stopping') || undefined)
    ada.process.kill('SIGTERM')
    assert.equal(await ada.ended, EXIT.forced)
    assert.match(await readFile(log, 'utf8'), /told twice to stop/)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

test('a daemon whose data folder is taken away ends by itself, with an exit code of its own', async () => {
  await using profiles = new Profiles()
  const ada = await daemon(profiles, 'ada')
  rmSync(join(profiles.home, 'ada', 'plexus.db'))
  assert.equal(await ada.ended, EXIT.lost)
  assert.match(
    await readFile(join(profiles.home, 'ada', 'daemon.log'), 'utf8'),
    /ERR_COMPONENT_LOST.*plexus\.db was removed/,
  )
})
