import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import { DEFAULT_QUOTA, FLAG_PRUNE_POINT, type IngestReport, LOG_CLASS } from '../../../src/records/index.ts'
import { Author, foundedBy, framesOf, KIND, type Rig, rig, START_MS, usageOf, type Written } from './fixture.ts'

const LATER = START_MS + 3_600_000
const body = { text: 'x'.repeat(1_000) }

interface Space extends Rig {
  readonly space: SpaceId
  readonly ingest: (written: readonly Written[]) => IngestReport
  readonly bytes: () => number
  readonly rooms: SpaceId[]
  readonly founder: Author
}

function spaceOf(bytes: number, authorShare = 1): Space {
  const { space, genesis, founder } = foundedBy(2)
  const own = rig()
  own.journal.ingest(space, [genesis.frame], 'single')
  own.journal.setQuota(space, { bytes, authorShare })
  const rooms: SpaceId[] = []
  own.journal.events.on('space:room', (event) => void rooms.push(event.space))
  return {
    ...own,
    space,
    founder,
    rooms,
    ingest: (written) => own.journal.ingest(space, framesOf(written), 'single'),
    bytes: () => own.journal.usage(space).bytes,
  }
}

describe('the quota of a space', () => {
  it('is generous unless somebody says otherwise, and counts what is kept', () => {
    const { journal, space, ingest, database } = spaceOf(0)
    const written = new Author(3, space).writeMany(5, { body })
    ingest(written)
    const bytes = written.reduce((sum, { frame }) => sum + frame.header.length + 64 + (frame.body?.length ?? 0), 0)
    const genesis = journal.usage(space).bytes - bytes
    assert.ok(genesis > 200 && genesis < 400)
    assert.deepEqual(usageOf(database), { records: 6, bytes: genesis + bytes })
    assert.equal(journal.usage(space).records, 6)
    journal.setQuota(space, undefined)
    assert.deepEqual(journal.usage(space).quota, DEFAULT_QUOTA)
  })

  it('stops data of others and our own, never control records', async () => {
    const { journal, space, founder, ingest, bytes } = spaceOf(20_000)
    const author = new Author(3, space)
    const report = ingest(author.writeMany(100, { body }))
    assert.ok(bytes() <= 20_000)
    assert.equal(report.stored + (report.refused['over-quota'] ?? 0), 100)
    assert.equal(report.parked, 0, 'what has no room is not set aside either')
    assert.deepEqual(journal.usage(space).full, [undefined])
    await assert.rejects(journal.append({ space, class: LOG_CLASS.durable, kind: KIND, body }), {
      code: 'ERR_SPACE_QUOTA',
      fix: /plexus space quota/,
    })
    assert.equal(ingest(founder.writeMany(3, { kind: 2, body })).stored, 3)
    await journal.append({ space, class: LOG_CLASS.control, kind: 2, body })
    assert.equal(journal.usage(space).records, report.stored + 5)
  })

  it('leaves each other author its share only, and us the rest', async () => {
    const { journal, space, ingest } = spaceOf(40_000, 0.25)
    const [greedy, modest] = [new Author(3, space), new Author(4, space)]
    const { stored } = ingest(greedy.writeMany(100, { body }))
    assert.ok(stored > 5 && stored <= 10, `${stored}`)
    assert.deepEqual(journal.usage(space).full, [greedy.signer.peer])
    assert.equal(ingest(modest.writeMany(3, { body })).stored, 3)
    for (let n = 0; n < 15; n++) await journal.append({ space, class: LOG_CLASS.durable, kind: KIND, body })
  })

  it('takes from expiring records first, from those whose time is over first', () => {
    const { journal, space, ingest, database } = spaceOf(36_000)
    const [early, late] = [new Author(3, space, LOG_CLASS.expiring), new Author(4, space, LOG_CLASS.expiring)]
    const lateOnes = late.writeMany(8, { body, exp: LATER + 1 })
    const earlyOnes = early.writeMany(12, { body, exp: LATER })
    ingest([...lateOnes, ...earlyOnes])
    const durable = new Author(5, space)
    assert.equal(ingest(durable.writeMany(9, { body })).stored, 9)
    const held = (written: readonly Written[]): number =>
      written.filter(({ id }) => journal.record(id)?.body !== undefined).length
    assert.ok(held(earlyOnes) < 12)
    assert.equal(held(lateOnes), 8)
    // A copy does not bring back what went to make room.
    assert.equal(ingest(durable.writeMany(100, { body })).stored < 100, true)
    const left = held(earlyOnes) + held(lateOnes)
    assert.equal(left, 0)
    ingest([...earlyOnes, ...lateOnes])
    assert.equal(held(earlyOnes) + held(lateOnes), 0)
    assert.deepEqual(usageOf(database), { records: journal.figures().records, bytes: journal.usage(space).bytes })
  })

  it('opens by itself when there is room again: more is allowed, or an author prunes', () => {
    const { journal, space, ingest, rooms } = spaceOf(20_000)
    const author = new Author(3, space)
    const written = author.writeMany(100, { body })
    const { stored } = ingest(written)
    assert.deepEqual(rooms, [])
    journal.setQuota(space, { bytes: 60_000, authorShare: 1 })
    assert.deepEqual([rooms, journal.usage(space).full], [[space], []])
    const more = ingest(written.slice(stored)).stored
    assert.ok(more > 10)
    const log = new Author(4, space)
    const others = log.writeMany(3, { body })
    assert.equal(ingest(others).stored, 0)
    assert.equal(rooms.length, 1)

    const held = stored + more
    const twin = new Author(3, space)
    twin.writeMany(held, { body })
    assert.equal(ingest([twin.write({ body: {}, fields: { flags: FLAG_PRUNE_POINT } })]).stored, 1)
    assert.equal(rooms.length, 2)
    assert.equal(ingest(others).stored, 3)
  })

  it('is exact after a restart, and where nothing was counted before', () => {
    const { journal, database, space, ingest, clock } = spaceOf(0)
    ingest(new Author(3, space).writeMany(20, { body }))
    ingest(new Author(4, space, LOG_CLASS.expiring).writeMany(20, { body, exp: START_MS + 1 }))
    clock.advance(2)
    journal.purgeExpired()
    const { records, bytes } = journal.usage(space)
    assert.deepEqual(usageOf(database), { records, bytes })
    const again = rig({ database }).journal.usage(space)
    assert.deepEqual([again.records, again.bytes], [records, bytes])
    database.exec('DROP TABLE log_usage')
    const counted = rig({ database }).journal.usage(space)
    assert.deepEqual([counted.records, counted.bytes], [records, bytes])
  })
})
