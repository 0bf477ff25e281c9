import { hexOf, peerIdOfKey, type RecordId, type SpaceId, seededRandom, spaceIdOf } from '../../src/base/index.ts'
import { type Signer, signer } from '../../src/identity/index.ts'
import { type Frame, type Journal, LOG_CLASS } from '../../src/records/index.ts'
import { openJournal, ROW_VIEW } from '../records/open-journal.ts'
import { KIND, makeRecord, TEXT } from '../records/sample.ts'

export const LOGS = 100
const RUN = 256

interface Author {
  readonly signer: Signer
  readonly log: string
  seq: number
  prev: Uint8Array
}

/** A store of so many records in 100 logs; they come as in catch-up, a run of each log in turn. */
export interface BigStore {
  readonly space: SpaceId
  readonly logs: readonly {
    readonly author: ReturnType<typeof peerIdOfKey>
    readonly log: string
    readonly seq: number
  }[]
  /** Some of the records. */
  readonly ids: readonly RecordId[]
}

export function fillStore(path: string, records: number, note: (line: string) => void): BigStore {
  const { journal, close } = openJournal(path, ROW_VIEW)
  const random = seededRandom(1)
  const zero = new Uint8Array(32)
  const founder = signer(random.bytes(32))
  const genesis = makeRecord(founder, {
    space: zero,
    log: LOG_CLASS.control,
    seq: 1,
    prev: zero,
    kind: 1,
    text: 'bench',
  })
  const space = spaceIdOf(genesis.id)
  journal.ingest(space, [genesis.frame], 'single')
  const log = hexOf(new Uint8Array(8).fill(LOG_CLASS.durable))
  const authors = Array.from(
    { length: LOGS },
    (): Author => ({ signer: signer(random.bytes(32)), log, seq: 0, prev: zero }),
  )
  const ids: RecordId[] = []
  let started = performance.now()
  for (let stored = 0, turn = 0; stored < records; turn++) {
    const author = authors[turn % LOGS]
    if (author === undefined) break
    const frames = runOf(author, genesis.id, Math.min(RUN, Math.ceil(records / LOGS), records - stored))
    stored += ingest(journal, space, frames)
    ids.push(hexOf(author.prev) as RecordId)
    if (turn % 400 === 399) {
      note(
        `${stored} records, the last ${400 * RUN} with ${Math.round((400 * RUN * 1_000) / (performance.now() - started))} per second`,
      )
      started = performance.now()
    }
  }
  close()
  return {
    space,
    ids,
    logs: authors.map((each) => ({ author: peerIdOfKey(each.signer.publicKey), log: each.log, seq: each.seq })),
  }
}

function runOf(author: Author, space: Uint8Array, length: number): readonly Frame[] {
  return Array.from({ length }, () => {
    author.seq++
    const place = { space, log: LOG_CLASS.durable, seq: author.seq, prev: author.prev, kind: KIND, text: TEXT }
    const { frame, id } = makeRecord(author.signer, place)
    author.prev = id
    return frame
  })
}

function ingest(journal: Journal, space: SpaceId, frames: readonly Frame[]): number {
  const { stored } = journal.ingest(space, frames, 'run')
  if (stored !== frames.length) throw new Error('not all records were stored')
  return stored
}
