import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { codeOf, PlexusError, seededRandom, systemRandom } from '../../../src/base/index.ts'
import { createNode, type PlexusNode, repairStore } from '../../../src/node/index.ts'

const THOUGHTS = 120
const SEEDS = 12
/** Bytes that are turned over at places of their own. */
const FLIPS = 6
const TORN_PAGES = 3

async function open(folder: string): Promise<PlexusNode> {
  return await createNode({ folder, network: false })
}

async function textsOf(node: PlexusNode): Promise<readonly string[]> {
  const { thoughts } = await node.call('thought.recall', { limit: 1_000 })
  return thoughts.map(({ text }) => text)
}

/** Turns bytes over anywhere behind the first page, which tells SQLite what the file is. */
function damage(path: string, seed: number): void {
  const random = seededRandom(seed)
  const { size } = statSync(path)
  const file = openSync(path, 'r+')
  const byte = new Uint8Array(1)
  for (let flip = 0; flip < FLIPS; flip++) {
    const at = 4_096 + Math.floor(random.unit() * (size - 4_096))
    readSync(file, byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ (1 << Math.floor(random.unit() * 8))
    writeSync(file, byte, 0, 1, at)
  }
  closeSync(file)
}

test('however a database is damaged, a repaired one holds only what is genuine, and most of it', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'plexus-damage-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const whole = join(home, 'whole')
  const written: string[] = []
  {
    await using node = await open(whole)
    for (let n = 0; n < THOUGHTS; n++) {
      const text = `thought ${n} ${'of some length '.repeat(20)}`.trim()
      await node.call('thought.share', { text })
      written.push(text)
    }
  }
  let kept = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const folder = join(home, `${seed}`)
    cpSync(whole, folder, { recursive: true })
    damage(join(folder, 'plexus.db'), seed)
    await assertClear(folder)
    const { rebuilt, aside } = await repairStore({ folder, version: '0', force: true, random: systemRandom() })
    assert.ok(rebuilt !== undefined && aside !== undefined)
    await using node = await open(folder)
    const texts = await textsOf(node)
    assert.ok(
      texts.every((text) => written.includes(text)),
      `seed ${seed} made something up`,
    )
    assert.equal(new Set(texts).size, texts.length)
    kept += texts.length
    await node.call('thought.share', { text: 'it goes on' })
  }
  t.diagnostic(`${kept} of ${THOUGHTS * SEEDS} thoughts outlived ${FLIPS} turned bits each`)
  assert.ok(kept > 0)
})

/** A damaged store is refused, or read with errors that say what is the matter: nothing else ever comes of it. */
async function assertClear(folder: string): Promise<void> {
  try {
    await using node = await open(folder)
    await textsOf(node)
  } catch (error) {
    assert.ok(error instanceof PlexusError, `${error}`)
    assert.match(codeOf(error), /^ERR_/)
  }
}

test('a sound database is left as it is, and a running peer is never repaired', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-sound-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const repair = { folder, version: '0', force: false, random: systemRandom() }
  await assert.rejects(repairStore(repair), { code: 'ERR_NOT_FOUND' })
  {
    await using node = await open(folder)
    await node.call('thought.share', { text: 'sound' })
    await assert.rejects(repairStore(repair), { code: 'ERR_PROFILE_LOCKED' })
  }
  assert.deepEqual(await repairStore(repair), { found: 'ok', rebuilt: undefined, aside: undefined })
})

/** Writes nonsense over whole pages. */
function tear(path: string, seed: number): void {
  const random = seededRandom(seed)
  const { size } = statSync(path)
  const file = openSync(path, 'r+')
  for (let page = 0; page < TORN_PAGES; page++) {
    const at = 4_096 * (1 + Math.floor(random.unit() * (size / 4_096 - 1)))
    writeSync(file, random.bytes(4_096), 0, 4_096, at)
  }
  closeSync(file)
}

test('a peer that meets torn pages ends with a reason, and its next start makes a new database of what is left', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'plexus-torn-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const whole = join(home, 'whole')
  {
    await using node = await open(whole)
    for (let n = 0; n < THOUGHTS; n++) await node.call('thought.share', { text: `thought ${n} ${'long '.repeat(50)}` })
  }
  let repaired = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const folder = join(home, `${seed}`)
    cpSync(whole, folder, { recursive: true })
    tear(join(folder, 'plexus.db'), seed)
    await workUntilItEnds(folder)
    if (!existsSync(join(folder, 'repair-wanted'))) continue
    repaired++
    await using node = await open(folder)
    assert.match(node.notes.join(), /was rebuilt/)
    assert.ok(!existsSync(join(folder, 'repair-wanted')))
    assert.ok(readdirSync(folder).some((name) => name.startsWith('plexus.db.damaged-')))
    await node.call('thought.share', { text: 'it goes on' })
    assert.ok((await textsOf(node)).includes('it goes on'))
  }
  t.diagnostic(`${repaired} of ${SEEDS} torn stores were noticed at work`)
  assert.ok(repaired > 0)
})

/** Whatever it says, it says clearly. */
async function workUntilItEnds(folder: string): Promise<void> {
  try {
    await using node = await open(folder)
    for (let n = 0; n < 5; n++) await node.call('thought.share', { text: `more ${n}` })
    await textsOf(node)
    for (let at = 0; ; ) {
      const { through } = node.journal.scrub(at, 100)
      if (through === undefined) return
      at = through
    }
  } catch (error) {
    assert.ok(error instanceof PlexusError, `${error}`)
  }
}
