import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hlcToMs, type SpaceId } from '../../../src/base/index.ts'
import {
  APPEND_QUEUE_MAX_RECORDS,
  COMMIT_MAX_RECORDS,
  type Draft,
  decodeFrame,
  decodeHeader,
  encodeFrame,
  LOG_CLASS,
  QUERY_MAX_RECORDS,
  RecordsError,
  type StoredRecord,
} from '../../../src/records/index.ts'
import { StoreError } from '../../../src/store/index.ts'
import { KIND, REFUSED, rig, START_MS } from './fixture.ts'

const draft = (space: SpaceId, n = 1): Draft => ({ space, class: LOG_CLASS.durable, kind: KIND, body: { n } })

async function founded() {
  const made = rig()
  const genesis = await made.journal.found({ name: 'space' })
  return { ...made, space: genesis.space, genesis }
}

describe('a journal', () => {
  it('founds a space whose id is that of its first record', async () => {
    const { journal, authority, genesis, signer } = await founded()
    assert.equal(genesis.id as string, genesis.space)
    assert.deepEqual([genesis.kind, genesis.class, genesis.seq, genesis.author], [1, LOG_CLASS.control, 1, signer.peer])
    assert.deepEqual(genesis.body, { name: 'space' })
    assert.deepEqual(journal.spaces(), [genesis.space])
    assert.deepEqual(authority.observed, [genesis])
    const header = decodeHeader(journal.frame(genesis.id)!.header)
    assert.deepEqual(header.space, new Uint8Array(32))
  })

  it('continues the log of the genesis with control records, and begins others per class', async () => {
    const { journal, space, genesis } = await founded()
    const control = await journal.append({ space, class: LOG_CLASS.control, kind: 2, body: {} })
    assert.deepEqual([control.log, control.seq], [genesis.log, 2])
    const durable = await journal.appendAll([draft(space), draft(space)])
    assert.deepEqual(
      durable.map(({ seq }) => seq),
      [1, 2],
    )
    const exp = START_MS + 1000
    const expiring = await journal.append({ space, class: LOG_CLASS.expiring, kind: KIND, body: {}, exp })
    assert.equal(expiring.exp, exp)
    const heads = journal.heads(space)
    assert.deepEqual(heads.map(({ log, seq, base }) => [log.slice(0, 2), seq, base]).toSorted(), [
      ['00', 2, 1],
      ['01', 2, 1],
      ['02', 1, 1],
    ])
    assert.equal(heads.find(({ log }) => log === expiring.log)?.id, expiring.id)
  })

  it('writes what is appended in one turn in one commit', async () => {
    const { journal, space } = await founded()
    const before = journal.figures().appendCommits!
    const drafts = Array.from({ length: 100 }, (_, n) => draft(space, n))
    const records = await Promise.all(drafts.map((each) => journal.append(each)))
    assert.equal(journal.figures().appendCommits, before + 1)
    assert.deepEqual(
      records.map(({ seq, body }) => [seq, body]),
      drafts.map(({ body }, index) => [index + 1, body]),
    )
    await journal.appendAll(new Array(COMMIT_MAX_RECORDS + 1).fill(draft(space)))
    assert.equal(journal.figures().appendCommits, before + 3)
  })

  it('writes together what belongs together, in the order in which all was appended', async () => {
    const { journal, space } = await founded()
    const before = journal.figures().appendCommits!
    const control = { space, class: LOG_CLASS.control, kind: 2, body: {} } as const
    const [single, together, last] = await Promise.all([
      journal.append(draft(space, 1)),
      journal.appendTogether([draft(space, 2), control, draft(space, 3)]),
      journal.append(draft(space, 4)),
    ])
    assert.equal(journal.figures().appendCommits, before + 3)
    assert.deepEqual([single.seq, together.map(({ seq }) => seq), last.seq], [1, [2, 2, 3], 4])
    assert.deepEqual(await journal.appendTogether([]), [])
  })

  it('tells of a record after its commit and before its append resolves', async () => {
    const { journal, database, space } = await founded()
    const order: unknown[] = []
    journal.events.on('record:stored', ({ record, own }) => {
      // Fails while a transaction is open.
      database.exec('BEGIN; ROLLBACK')
      order.push({ own, held: journal.record(record.id) })
    })
    const record = await journal.append(draft(space))
    order.push('resolved')
    assert.deepEqual(order, [{ own: true, held: record }, 'resolved'])
  })

  it('serves what it wrote, to the byte', async () => {
    const { journal, space } = await founded()
    const record = await journal.append(draft(space))
    const frame = journal.frame(record.id)!
    assert.deepEqual(decodeFrame(encodeFrame(frame)), frame)
    assert.deepEqual(journal.frames(space, record.author, record.log, 1, 9), [frame])
    assert.deepEqual(journal.frames(space, record.author, record.log, 2, 9), [])
    assert.deepEqual(journal.frames(space, record.author, 'no log', 1, 9), [])
    assert.equal(decodeHeader(frame.header).auth[0], 7)
  })

  it('keeps its timestamps growing when the wall clock is set back, also after a restart', async () => {
    const first = await founded()
    const before = await first.journal.append(draft(first.space))
    first.clock.jumpWall(-3_600_000)
    const after = await first.journal.append(draft(first.space))
    assert.ok(after.hlc > before.hlc)
    const again = rig({ database: first.database, clock: first.clock })
    const restarted = await again.journal.append(draft(first.space))
    assert.ok(restarted.hlc > after.hlc)
    assert.deepEqual([restarted.log, restarted.seq], [after.log, 3])
    assert.equal(hlcToMs(restarted.hlc), START_MS)
  })

  it('has an identity that its database keeps', async () => {
    const first = await founded()
    assert.equal(first.journal.storeId.length, 16)
    assert.deepEqual(rig({ database: first.database, seed: 9 }).journal.storeId, first.journal.storeId)
    assert.notDeepEqual(rig({ seed: 9 }).journal.storeId, first.journal.storeId)
  })

  it('finds records by space, kind, class, author and position', async () => {
    const { journal, space, genesis } = await founded()
    const other = await journal.found({ name: 'other' })
    const durable = await journal.appendAll([
      draft(space, 1),
      { ...draft(space, 2), kind: KIND + 1 },
      draft(other.space, 3),
    ])
    const ids = (records: readonly StoredRecord[]) => records.map(({ id }) => id)
    const [one, two, three] = ids(durable)
    assert.deepEqual(ids(journal.records({ limit: 10 })), [genesis.id, other.id, one, two, three])
    assert.deepEqual(ids(journal.records({ space, limit: 10 })), [genesis.id, one, two])
    assert.deepEqual(ids(journal.records({ space, class: LOG_CLASS.control, limit: 10 })), [genesis.id])
    assert.deepEqual(ids(journal.records({ kinds: [KIND, 1], limit: 10 })), [genesis.id, other.id, one, three])
    assert.deepEqual(ids(journal.records({ author: genesis.author, afterRid: other.rid, limit: 2 })), [one, two])
    assert.deepEqual(ids(journal.records({ kinds: [], limit: 10 })), [])
    assert.equal(journal.records({ limit: QUERY_MAX_RECORDS * 10 }).length, 5)
  })
})

describe('an append that cannot be', () => {
  const rejects = (code: string) => (error: unknown) => error instanceof RecordsError && error.code === code

  it('rejects alone when the authority refuses it', async () => {
    const { journal, authority, signer, space } = await founded()
    authority.verdicts.set(signer.peer, (seq) =>
      seq === 2 && authority.observed.length === 1 ? REFUSED : { allowed: true },
    )
    const outcomes = await Promise.allSettled([1, 2, 3].map((n) => journal.append(draft(space, n))))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    )
    assert.equal(journal.heads(space).find(({ log }) => log.startsWith('01'))?.seq, 1)
    await assert.rejects(journal.append(draft(space)), rejects('ERR_WRITE_NOT_ALLOWED'))
  })

  it('takes with it what belongs to it, in memory too', async () => {
    const { journal, authority, signer, space, genesis } = await founded()
    authority.verdicts.set(signer.peer, (seq) => (seq === 3 ? REFUSED : { allowed: true }))
    const control = { space, class: LOG_CLASS.control, kind: 2, body: {} } as const
    const outcomes = await Promise.allSettled([
      journal.append(draft(space, 1)),
      journal.appendTogether([control, draft(space, 2), draft(space, 3), draft(space, 4)]),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    assert.deepEqual(
      journal
        .heads(space)
        .map(({ seq }) => seq)
        .toSorted(),
      [1, 1],
    )
    assert.deepEqual(authority.reloaded, [space])
    assert.equal(journal.heads(space).find(({ log }) => log === genesis.log)?.seq, 1)
    await assert.rejects(
      journal.appendTogether(new Array<Draft>(COMMIT_MAX_RECORDS + 1).fill(draft(space))),
      rejects('ERR_DRAFT_INVALID'),
    )
  })

  it('rejects in a space that is not known', async () => {
    const { journal } = await founded()
    const unknown = 'a'.repeat(64) as SpaceId
    await assert.rejects(journal.append(draft(unknown)), rejects('ERR_WRITE_NOT_ALLOWED'))
    assert.deepEqual(journal.heads(unknown), [])
  })

  const broken: readonly [string, Partial<Draft>][] = [
    ['the kind 0', { kind: 0 }],
    ['a fractional kind', { kind: 1.5 }],
    ['a negative expiry', { exp: -1 }],
    ['an unknown class', { class: 3 as never }],
    ['an expiring control record', { class: LOG_CLASS.control, exp: 1 }],
    ['no expiry in an expiring log', { class: LOG_CLASS.expiring }],
    ['a body that cannot be read back', { body: { a: Number.NaN } }],
  ]
  for (const [what, fields] of broken) {
    it(`rejects with ${what}, and so does all that comes with it`, async () => {
      const { journal, space } = await founded()
      const drafts = [draft(space), { ...draft(space), ...fields }]
      await assert.rejects(journal.appendAll(drafts), rejects('ERR_DRAFT_INVALID'))
      assert.equal(journal.records({ limit: 10 }).length, 1)
    })
  }

  it('rejects when too many wait', async () => {
    const { journal, space } = await founded()
    const drafts = new Array<Draft>(APPEND_QUEUE_MAX_RECORDS + 1).fill(draft(space))
    await assert.rejects(journal.appendAll(drafts), rejects('ERR_APPEND_OVERFLOW'))
    assert.equal((await journal.append(draft(space))).seq, 1)
  })

  it('rejects with the disk’s own error when the disk is full, and works again when it is not', async () => {
    const { journal, database, authority, space } = await founded()
    await journal.append(draft(space, 1))
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
    database.exec(`PRAGMA max_page_count = ${pages + 4}`)
    const large = { ...draft(space), body: { bytes: new Uint8Array(60_000) } }
    const control = { ...draft(space), class: LOG_CLASS.control, kind: 2 } as const
    const outcomes = await Promise.allSettled([journal.append(control), journal.append(large)])
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreError)
      assert.equal(outcome.reason.code, 'ERR_STORE_FULL')
    }
    assert.deepEqual(authority.reloaded, [space])
    assert.equal(journal.records({ limit: 10 }).length, 2)
    database.exec('PRAGMA max_page_count = 1000000')
    const record = await journal.append(large)
    assert.equal(record.seq, 2)
    assert.equal((await journal.append(control)).seq, 2)
  })

  it('rejects a write from inside a write', async () => {
    const { journal, authority, space } = await founded()
    let inner: unknown
    authority.observe = () => {
      try {
        journal.retryParked(space)
        journal.purgeExpired()
        journal.ingest(space, [journal.frame(journal.records({ limit: 1 })[0]!.id)!], 'single')
      } catch (error) {
        inner = error
      }
    }
    await journal.append({ ...draft(space), class: LOG_CLASS.control, kind: 2 })
    assert.ok(rejects('ERR_JOURNAL_BUSY')(inner))
  })
})
