import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { codeOf } from '../../../src/base/index.ts'
import { createNode } from '../../../src/index.ts'

test('a full disk refuses new thoughts with a reason, loses none, and writing goes on once there is room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-full-'))
  try {
    await using node = await createNode({ folder, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false })
    const { database } = node.journal
    const share = (text: string): Promise<unknown> => node.call('thought.share', { text })
    await share('before the disk was full')
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
    // SQLite meets its page limit exactly as it meets a full disk: SQLITE_FULL in the middle of a transaction.
    database.exec(`PRAGMA max_page_count = ${pages + 4}`)
    const refusal = await fillUp(share)
    assert.equal(codeOf(refusal), 'ERR_STORE_FULL')
    assert.ok((refusal as { fix?: string }).fix !== undefined)

    const kept = await node.call('thought.recall', { limit: 1_000 })
    assert.ok(kept.thoughts.length >= 1, 'what was acknowledged is still read')
    database.exec(`PRAGMA max_page_count = ${pages + 10_000}`)
    await share('after room was made')
    const after = await node.call('thought.recall', { limit: 1_000 })
    assert.equal(after.thoughts.length, kept.thoughts.length + 1)
    assert.ok(after.thoughts.every((thought) => thought.signature === 'valid'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

async function fillUp(share: (text: string) => Promise<unknown>): Promise<unknown> {
  for (let n = 0; n < 1_000; n++) {
    try {
      await share(`${n} ${'x'.repeat(10_000)}`)
    } catch (error) {
      return error
    }
  }
  return undefined
}
