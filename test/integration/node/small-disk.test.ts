import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { codeOf, PlexusError, systemRandom } from '../../../src/base/index.ts'
import { createNode, openBackup, type PlexusNode, writeBackup } from '../../../src/node/index.ts'

const DISK = '6m'
const BALLAST_BYTES = 2 * 1024 * 1024

/** A disk of a few megabytes; `undefined`, said loudly, where this machine mounts none. */
function smallDisk(t: TestContext): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), 'plexus-disk-'))
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=700`, 'tmpfs', disk], {
    encoding: 'utf8',
  })
  t.after(() => {
    if (status === 0) spawnSync('umount', ['--lazy', disk])
    rmSync(disk, { recursive: true, force: true })
  })
  if (status === 0) return disk
  t.skip(`SKIPPED: a disk of its own cannot be mounted here (${stderr?.trim() || 'no mount command'})`)
  return undefined
}

async function open(folder: string): Promise<PlexusNode> {
  return await createNode({ folder, network: false })
}

/** Shares until the disk is full; the texts that were acknowledged. */
async function fill(node: PlexusNode): Promise<readonly string[]> {
  const acknowledged: string[] = []
  for (;;) {
    const text = `${acknowledged.length} ${'x'.repeat(8_000)}`
    try {
      await node.call('thought.share', { text })
    } catch (error) {
      assert.equal(codeOf(error), 'ERR_STORE_FULL')
      assert.ok((error as PlexusError).fix !== undefined)
      return acknowledged
    }
    acknowledged.push(text)
  }
}

async function textsOf(node: PlexusNode): Promise<readonly string[]> {
  const { thoughts } = await node.call('thought.recall', { limit: 1_000 })
  return thoughts.map(({ text }) => text).toSorted()
}

test('a real disk that is full loses nothing: not what was acknowledged, not a backup, not the way back', async (t) => {
  const disk = smallDisk(t)
  if (disk === undefined) return
  const folder = join(disk, 'peer')
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES))
  let acknowledged: readonly string[]
  {
    await using node = await open(folder)
    acknowledged = await fill(node)
    assert.deepEqual(await textsOf(node), acknowledged.toSorted())
    const target = join(disk, 'full.backup')
    await assert.rejects(backup(folder, target), { code: 'ERR_STORE_FULL' })
    assert.deepEqual(readdirSync(disk).toSorted(), ['ballast', 'peer'], 'a backup that failed leaves nothing')
    rmSync(ballast)
    await node.call('thought.share', { text: 'there is room again' })
  }
  await using again = await open(folder)
  assert.deepEqual(await textsOf(again), [...acknowledged, 'there is room again'].toSorted())
})

async function backup(folder: string, target: string): Promise<unknown> {
  return await writeBackup({ folder, target, withKey: true, version: '0', now: Date.now(), random: systemRandom() })
}

test('from a disk that became read-only a peer does not start, says why, and can still be backed up', async (t) => {
  const disk = smallDisk(t)
  if (disk === undefined) return
  const folder = join(disk, 'peer')
  {
    await using node = await open(folder)
    await node.call('thought.share', { text: 'before' })
  }
  const { status, stderr } = spawnSync('mount', ['-o', 'remount,ro', disk], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  await assert.rejects(open(folder), (error: unknown) => {
    return error instanceof PlexusError && /read-only/.test(error.fix ?? '')
  })
  const elsewhere = mkdtempSync(join(tmpdir(), 'plexus-backup-'))
  t.after(() => rmSync(elsewhere, { recursive: true, force: true }))
  const target = join(elsewhere, 'peer.backup')
  await backup(folder, target)
  await using checked = await openBackup(target)
  assert.ok(checked.manifest.spaces.some(({ records }) => records >= 2))
})
