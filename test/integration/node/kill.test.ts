import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createNode } from '../../../src/index.ts'

const WRITER = join(import.meta.dirname, '../../support/writing-peer.ts')
const KILLS = 50
/** A different moment for each kill: from the middle of the first commits to well into the writing. */
const ACKNOWLEDGED_BEFORE_KILL = (round: number): number => 1 + ((round * 7) % 40)

test(`a peer killed ${KILLS} times while writing loses no acknowledged record and does not fork itself`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plexus-kill-'))
  try {
    const acknowledged = new Map<string, string>()
    for (let round = 0; round < KILLS; round++) await writeUntilKilled(folder, round, acknowledged)
    assert.ok(acknowledged.size >= KILLS)

    const path = join(folder, 'plexus.db')
    {
      using database = new DatabaseSync(path)
      assert.equal(database.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok')
    }
    await using node = await createNode({ folder, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false })
    assert.equal(node.journal.figures().forks ?? 0, 0)
    for (const [id, text] of acknowledged) {
      const shown = (await node.call('thought.show', { id })) as { thought: { text: string; signature: string } }
      assert.deepEqual({ text: shown.thought.text, signature: shown.thought.signature }, { text, signature: 'valid' })
    }
    for (const space of node.spaces.list()) {
      const own = node.journal.heads(space.id).filter(({ author, log }) => author === node.peer && log.startsWith('01'))
      assert.ok(own.length <= 1, 'a killed process loses nothing, so the log goes on')
      for (const head of node.journal.heads(space.id)) {
        let expected = head.base
        while (expected <= head.seq) {
          const frames = node.journal.frames(space.id, head.author, head.log, expected, head.seq)
          assert.ok(frames.length > 0, `no hole at ${expected} of ${head.seq}`)
          expected += frames.length
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Runs a writing peer, notes what it acknowledges, and kills it in the middle of the next write. */
async function writeUntilKilled(folder: string, round: number, acknowledged: Map<string, string>): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [WRITER, folder, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.ok(child.stdout !== null)
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', text = ''] = line.split('\t')
    acknowledged.set(id, text)
    seen++
    if (seen === ACKNOWLEDGED_BEFORE_KILL(round)) child.kill('SIGKILL')
  }
  assert.equal(await ended, 'SIGKILL')
}
