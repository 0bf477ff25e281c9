import assert from 'node:assert/strict'
import { closeSync, cpSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createNode, type PlexusNode } from '../../../src/index.ts'
import { openDatabase } from '../../../src/store/index.ts'

const home = mkdtempSync(join(tmpdir(), 'plexus-wal-'))
after(() => rmSync(home, { recursive: true, force: true }))

function flip(path: string, at: number): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ 8
  writeSync(file, byte, 0, 1, at)
  closeSync(file)
}

test('committed transactions that a damaged write-ahead log hides are missed, and those of a killed process are not', () => {
  const path = join(home, 'some.db')
  using database = openDatabase({ path })
  database.exec('CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
  for (let n = 0; n < 50; n++) database.prepare('INSERT INTO t (text) VALUES (?)').run('x'.repeat(3_000))
  const { size } = statSync(`${path}-wal`)
  // As a power cut leaves it: nobody closed it.
  const image = (name: string): string => {
    for (const part of ['', '-wal']) cpSync(`${path}${part}`, join(home, `${name}${part}`))
    return join(home, name)
  }
  const lost = (file: string): boolean => {
    let isLost = false
    const onLostCommits = (): void => {
      isLost = true
    }
    using _copy = openDatabase({ path: file, onLostCommits })
    return isLost
  }
  assert.equal(lost(image('whole')), false)
  for (const at of [0, 9, 20, 40, 60, 4_000, size >> 1, size - 5_000]) {
    const file = image(`flipped-${at}`)
    flip(`${file}-wal`, at)
    assert.equal(lost(file), true, `a bit at ${at} of ${size}`)
  }
})

const open = (folder: string, network?: false): Promise<PlexusNode> =>
  createNode({
    folder: join(home, folder),
    mdns: false,
    ...(network === false ? { network } : { listen: ['/ip4/127.0.0.1/tcp/0'] }),
  })

test('a peer that lost its last commits contradicts nothing that others have of it', { timeout: 60_000 }, async (t) => {
  const share = async (node: PlexusNode, space: string, from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) await node.call('thought.share', { text: `thought ${n}`, space })
  }
  const held = (node: PlexusNode, space: string): number =>
    node.journal.records({ space: space as never, class: 1, limit: 1_000 }).length
  const until = async (check: () => boolean): Promise<void> => {
    while (!check()) {
      t.signal.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await using b = await open('b')
  let id: string
  {
    await using a = await open('a')
    const { ticket, space } = await a.call('space.invite', {})
    id = space.id
    await b.call('space.join', { ticket })
    await share(a, id, 0, 20)
    // What is in the file by now stays; a later part of the log is what breaks.
    a.journal.database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    await share(a, id, 20, 40)
    await until(() => held(b, id) === 40)
    cpSync(join(home, 'a'), join(home, 'image'), { recursive: true, filter: (file) => !file.endsWith('.sock') })
  }
  rmSync(join(home, 'a'), { recursive: true })
  cpSync(join(home, 'image'), join(home, 'a'), { recursive: true })
  rmSync(join(home, 'a', 'plexus.db-shm'), { force: true })
  flip(join(home, 'a', 'plexus.db-wal'), statSync(join(home, 'a', 'plexus.db-wal')).size >> 1)
  {
    await using alone = await open('a', false)
    assert.ok(held(alone, id) < 40)
    await share(alone, id, 40, 50)
  }
  await using a = await open('a')
  await until(() => held(a, id) === 50 && held(b, id) === 50)
  for (const node of [a, b]) assert.equal(node.journal.forks(id as never).length, 0)
})
