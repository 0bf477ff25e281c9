import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { createNode, type PlexusNode } from '../../../src/index.ts'

const home = mkdtempSync(join(tmpdir(), 'plexus-mending-'))
after(() => rmSync(home, { recursive: true, force: true }))

const open = (folder: string): Promise<PlexusNode> =>
  createNode({ folder: join(home, folder), listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false })

async function textsOf(node: PlexusNode): Promise<readonly string[]> {
  const { thoughts } = await node.call('thought.recall', { limit: 1_000 })
  return thoughts.map(({ text }) => text).toSorted()
}

async function until(check: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await check())) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Turns a bit over in every `nth` row. */
function damage(folder: string, table: string, column: string, nth: number): void {
  using database = new DatabaseSync(join(home, folder, 'plexus.db'))
  const update = database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rid = ?`)
  for (const row of database.prepare(`SELECT rid, ${column} AS bytes FROM ${table} WHERE rid % ${nth} = 0`).all()) {
    const bytes = Buffer.from(row.bytes as Uint8Array)
    bytes.writeUInt8((bytes[bytes.length - 1] ?? 0) ^ 1, bytes.length - 1)
    update.run(bytes, row.rid ?? null)
  }
  // Views are folded anew, from what is left.
  database.exec('UPDATE view SET version = 0')
}

test('records that a disk spoilt are neither shown nor served, and come back from the other member', {
  timeout: 60_000,
}, async (t) => {
  const written = Array.from({ length: 40 }, (_, at) => `thought ${at}`)
  let id: string
  await using a = await open('a')
  {
    await using b = await open('b')
    const { ticket, space } = await a.call('space.invite', {})
    id = space.id
    await b.call('space.join', { ticket })
    await Promise.all(
      written.map((text, at) => (at % 2 === 0 ? a : b).call('thought.share', { text, space: space.name })),
    )
    await until(async () => (await textsOf(a)).length === 40 && (await textsOf(b)).length === 40, t.signal)
  }
  damage('b', 'body', 'bytes', 5)
  damage('b', 'record', 'header', 7)
  damage('b', 'record', 'signature', 9)
  await using b = await open('b')
  const few = await textsOf(b)
  assert.ok(few.length < 40 && few.every((text) => written.includes(text)))
  const scrub = (): ReturnType<PlexusNode['status']>['components'][number] | undefined =>
    b.status().components.find(({ name }) => name === 'scrub')
  await until(() => (scrub()?.figures?.found ?? 0) > 8, t.signal)
  await until(() => scrub()?.state === 'ok', t.signal)
  assert.deepEqual(await textsOf(b), written.toSorted())
  for (const node of [a, b]) assert.equal(node.journal.forks(id as never).length, 0)
  // What it wrote itself follows without a gap.
  await b.call('thought.share', { text: 'and on', space: id })
  await until(async () => (await textsOf(a)).includes('and on'), t.signal)
})
