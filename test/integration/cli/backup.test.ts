import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DemoPeer } from '../../../demo/peer.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

interface Report {
  readonly aside?: string
  readonly restored?: boolean
  readonly withKey: boolean
  readonly manifest: { readonly peer: string; readonly spaces: readonly { readonly records: number }[] }
}

interface Recall {
  readonly thoughts: readonly { readonly text: string; readonly signature: string }[]
}

async function texts(peer: DemoPeer): Promise<readonly string[]> {
  const { thoughts } = await peer.plexus<Recall>('recall', '--limit', '200')
  assert.ok(thoughts.every(({ signature }) => signature === 'valid'))
  return thoughts.map(({ text }) => text).toSorted()
}

/** Until the peer recalls exactly these thoughts. */
async function recalls(peer: DemoPeer, expected: readonly string[]): Promise<void> {
  const wanted = [...expected].toSorted().join()
  await eventually(async () => ((await texts(peer)).join() === wanted ? true : undefined))
}

async function thinks(peer: DemoPeer, ...thoughts: readonly string[]): Promise<void> {
  for (const thought of thoughts) await peer.plexus('think', thought)
}

/** Nobody ever saw two records of one author at one place. */
async function assertNoFork(peer: DemoPeer): Promise<void> {
  const { events } = await peer.plexus<{ events: readonly { kind: string }[] }>('events', '--limit', '1000')
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'log:forked'),
    [],
  )
}

test('an old backup goes on as the same peer: it forks nothing, and what was spread since comes back', async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  const file = join(profiles.home, 'ada.plexus-backup')
  await thinks(ada, 'before 1', 'before 2')
  await recalls(bohr, ['before 1', 'before 2'])
  const made = await ada.plexus<Report>('backup', file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  await thinks(ada, 'after 1', 'after 2')
  await recalls(bohr, ['before 1', 'before 2', 'after 1', 'after 2'])

  const peek = await ada.plexus<Report>('restore', file, '--dry-run')
  assert.equal(peek.restored, false)
  assert.deepEqual(peek.manifest, made.manifest)
  await assert.rejects(ada.plexus('restore', file, '--replace'), { code: 'ERR_DAEMON_RUNNING' })
  await ada.down()
  await assert.rejects(ada.plexus('restore', file), { code: 'ERR_RESTORE_OCCUPIED' })
  await bohr.down()
  const restored = await ada.plexus<Report>('restore', file, '--replace')
  assert.ok(restored.aside !== undefined && existsSync(join(restored.aside, 'plexus.db')))

  assert.equal((await ada.up()).peer, made.manifest.peer)
  assert.deepEqual(await texts(ada), ['before 1', 'before 2'])
  await thinks(ada, 'alone 1', 'alone 2')
  await bohr.up()
  const all = ['before 1', 'before 2', 'after 1', 'after 2', 'alone 1', 'alone 2']
  for (const peer of [ada, bohr]) await recalls(peer, all)
  for (const peer of [ada, bohr]) await assertNoFork(peer)
})

test('a restored twin and its original both go on, and neither harms the other', async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, twin, bohr] = [profiles.peer('ada'), profiles.peer('twin'), profiles.peer('bohr')]
  await thinks(ada, 'together')
  const file = join(profiles.home, 'ada.plexus-backup')
  await ada.plexus('backup', file)
  await thinks(ada, 'of the original')
  await recalls(bohr, ['together', 'of the original'])
  await ada.down()

  await twin.plexus('restore', file)
  await twin.up()
  await thinks(twin, 'of the twin')
  await recalls(bohr, ['together', 'of the original', 'of the twin'])
  await twin.down()
  await ada.up()
  await thinks(ada, 'of the original again')
  for (const peer of [ada, bohr]) {
    await recalls(peer, ['together', 'of the original', 'of the twin', 'of the original again'])
    await assertNoFork(peer)
  }
})

test('a backup without the key needs it, and a damaged one is refused whatever is damaged', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  await thinks(ada, 'kept')
  const [file, other] = [join(profiles.home, 'a.backup'), profiles.peer('other')]
  await ada.plexus('backup', file, '--no-key')
  await assert.rejects(ada.plexus('backup', file), { code: 'ERR_BACKUP_EXISTS' })
  assert.equal((await ada.plexus<Report>('backup', file, '--verify')).withKey, false)
  await assert.rejects(other.plexus('restore', file), { code: 'ERR_RESTORE_KEY' })
  assert.equal(existsSync(join(profiles.home, 'other')), false)

  const whole = readFileSync(file)
  const bad = join(profiles.home, 'bad.backup')
  const places = [0, 100, whole.length >> 1, whole.length - 200, whole.length - 60, whole.length - 1]
  for (const at of places) {
    const bytes = Uint8Array.from(whole)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(bad, bytes)
    await assert.rejects(other.plexus('restore', bad), (error: { code: string }) =>
      error.code.startsWith('ERR_BACKUP_'),
    )
  }
  writeFileSync(bad, whole.subarray(0, whole.length - 1))
  await assert.rejects(other.plexus('restore', bad), { code: 'ERR_BACKUP_UNKNOWN' })

  await ada.down()
  const key = join(profiles.home, 'ada', 'identity.json')
  const keyCopy = join(profiles.home, 'identity.json')
  copyFileSync(key, keyCopy)
  const back = await ada.plexus<Report>('restore', file, '--replace')
  assert.equal(readFileSync(key, 'utf8'), readFileSync(keyCopy, 'utf8'))
  assert.equal(back.restored, true)
  await ada.up()
  assert.deepEqual(await texts(ada), ['kept'])
})

test('an export holds every record, a line each, and nothing is written over', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  await thinks(ada, 'one', 'two')
  const file = join(profiles.home, 'records.jsonl')
  const { records } = await ada.plexus<{ records: number }>('export', file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const [head, ...rows] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(head?.plexus, 'export')
  assert.equal(rows.length, records)
  const thoughts = rows.filter(({ domain }) => domain === 'cognition').map(({ body }) => (body as { t: string }).t)
  assert.deepEqual(thoughts, ['one', 'two'])
  await assert.rejects(ada.plexus('export', file), { code: 'ERR_FILE_UNWRITABLE' })
  await ada.plexus('export', `${file}.2`, '--domain', 'cognition')
  assert.equal(readFileSync(`${file}.2`, 'utf8').trimEnd().split('\n').length, 3)
})

test('a backup that is killed leaves either a whole file or none', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  for (let n = 0; n < 4; n++) await thinks(ada, `${n} ${'x'.repeat(10_000)}`)
  const folder = join(profiles.home, 'backups')
  mkdirSync(folder)
  let killed = 0
  for (let round = 0; round < 4; round++) {
    const file = join(folder, `${round}.backup`)
    // It ends at the first, second, ... change in the folder, or by itself.
    if (await killAtChange(folder, file, profiles.home, round + 1)) killed++
    if (existsSync(file)) assert.equal((await ada.plexus<Report>('backup', file, '--verify')).withKey, true)
  }
  assert.ok(killed > 0, readdirSync(folder).join())
})

async function killAtChange(folder: string, file: string, home: string, change: number): Promise<boolean> {
  const cli = join(import.meta.dirname, '../../../src/cli/main.ts')
  const child = spawn(process.execPath, [cli, 'backup', file, '--profile', 'ada'], {
    env: { ...process.env, PLEXUS_HOME: home },
    stdio: 'ignore',
  })
  let changes = 0
  const watcher = watch(folder, () => {
    if (++changes === change) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'exit')
  watcher.close()
  return signal === 'SIGKILL'
}
