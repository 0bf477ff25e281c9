import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bytesEqual, bytesOfHex, keyOfPeerId, recordIdOf, seededRandom } from '../../../src/base/index.ts'
import { verifier } from '../../../src/identity/index.ts'
import {
  bodyHashOf,
  decodeHeader,
  type Frame,
  isSignedBy,
  type Journal,
  type LogHead,
  recordIdBytes,
  recordsSchema,
  type View,
} from '../../../src/records/index.ts'
import { type Database, openDatabase } from '../../../src/store/index.ts'
import { rig } from '../../unit/records/fixture.ts'
import { tallyView } from '../../unit/records/tally-view.ts'

const KILLS = 50
const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url))

interface Acknowledged {
  readonly seq: number
  readonly id: string
  readonly n: number
}

/** What the writer had printed when it died; it is killed at its `after`th line. */
async function killWriter(path: string, run: number, after: number): Promise<readonly Acknowledged[]> {
  const writer = spawn(process.execPath, [WRITER, path, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(writer, 'exit')
  const lines: Acknowledged[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    const [seq, id, n] = line.split(' ')
    // The last line may be torn.
    if (id?.length === 64 && n !== undefined) lines.push({ seq: Number(seq), id, n: Number(n) })
    if (lines.length === after) writer.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', 'the writer ended by itself')
  return lines
}

/** Reads a whole log and checks each record as a suspicious stranger would. */
function assertSound(journal: Journal, { author, log, seq }: LogHead): ReadonlyMap<number, string> {
  const ids = new Map<number, string>()
  const check = verifier()
  let prev: Uint8Array = new Uint8Array(32)
  for (let from = 1; from <= seq; ) {
    const frames: readonly Frame[] = journal.frames(journal.spaces()[0]!, author, log, from, seq)
    assert.ok(frames.length > 0, `a hole at ${from}`)
    for (const { header: bytes, signature, body } of frames) {
      const header = decodeHeader(bytes)
      assert.equal(header.seq, from++)
      assert.ok(bytesEqual(header.prev, prev))
      assert.ok(isSignedBy(check, keyOfPeerId(author), bytes, signature))
      assert.ok(body !== null && bytesEqual(bodyHashOf(body), header.bodyHash))
      prev = recordIdBytes(bytes)
      ids.set(header.seq, recordIdOf(prev))
    }
  }
  return ids
}

function tally(database: Database): unknown {
  return database.prepare('SELECT * FROM view_tally_entities ORDER BY entity').all()
}

describe('a journal whose process is killed', () => {
  it(`${KILLS} times while it writes loses nothing that it acknowledged and does not fork`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plexus-kill-'))
    const path = join(folder, 'journal.db')
    const random = seededRandom(50)
    const acknowledged: Acknowledged[] = []
    try {
      for (let run = 1; run <= KILLS; run++) {
        acknowledged.push(...(await killWriter(path, run, 1 + Math.floor(random.unit() * 60))))
      }
      const database = openDatabase({ path, schemas: [recordsSchema] })
      assert.deepEqual(
        database
          .prepare('PRAGMA integrity_check')
          .all()
          .map((row) => Object.values(row)),
        [['ok']],
      )
      const { journal } = rig({ database })
      const heads = journal.heads(journal.spaces()[0]!)
      assert.equal(heads.length, 2, 'one control log and one durable log')
      const ids = heads.filter(({ log }) => log.startsWith('01')).map((head) => assertSound(journal, head))[0]!
      assert.ok(acknowledged.length >= KILLS)
      for (const { seq, id, n } of acknowledged) {
        assert.equal(ids.get(seq), id, `the record ${seq} is another one than was acknowledged`)
        assert.equal(journal.record(recordIdOf(bytesOfHex(id)))?.body?.n, n)
      }
      assert.equal(database.prepare('SELECT count(*) AS forks FROM fork').get()?.forks, 0)
      journal.register(tallyView() as View)
      const kept = tally(database)
      database.exec('UPDATE view SET version = 0')
      rig({ database }).journal.register(tallyView() as View)
      assert.deepEqual(kept, tally(database), 'the view is what a rebuild makes of the records')
      database.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
