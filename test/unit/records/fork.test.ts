import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SpaceId } from '../../../src/base/index.ts'
import { type Draft, type JournalEvents, LOG_CLASS, type StoredRecord } from '../../../src/records/index.ts'
import { Author, foundedBy, framesOf, KIND, rig, START_MS, type Written } from './fixture.ts'

function joined() {
  const made = rig()
  const founded = foundedBy(2)
  made.journal.ingest(founded.space, [founded.genesis.frame], 'single')
  const forks: JournalEvents['log:forked'][] = []
  made.journal.events.on('log:forked', (fork) => forks.push(fork))
  const ingest = (written: readonly Written[]) => made.journal.ingest(founded.space, framesOf(written), 'single')
  const headOf = ({ log }: Written) => made.journal.heads(founded.space).find((head) => head.log === log)
  return { ...made, ...founded, ingest, headOf, forks }
}

/** Five records, and another third one. */
function equivocation(space: SpaceId) {
  const author = new Author(3, space)
  const common = author.writeMany(2)
  const twin = author.twin()
  return { common, branch: author.writeMany(3), other: twin.writeMany(3) }
}

describe('a fork', () => {
  it('freezes the log before it, voids what stands after, keeps the proof', () => {
    const { ingest, headOf, journal, space, forks } = joined()
    const { common, branch, other } = equivocation(space)
    ingest([...common, ...branch])
    assert.deepEqual(ingest(other.slice(0, 1)).refused, { fork: 1 })
    const { author, log, id } = common[1]!
    assert.deepEqual(headOf(common[0]!), { author, log, base: 1, seq: 2, id })
    assert.deepEqual(forks, [{ space, author, log, seq: 3 }])
    assert.deepEqual(journal.frames(space, author, log, 1, 9), framesOf(common))
    for (const each of [...branch, ...other]) {
      assert.equal(journal.record(each.id), undefined)
      assert.equal(journal.frame(each.id), undefined)
    }
    assert.equal(journal.records({ kinds: [KIND], limit: 10 }).length, 2)
    const [fork] = journal.forks(space)
    assert.deepEqual([fork?.author, fork?.log, fork?.seq], [author, log, 3])
    const proven = [branch[0]!, other[0]!].toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ frame }) => frame)
    assert.deepEqual([fork?.proof.headerA, fork?.proof.headerB], [proven[0]!.header, proven[1]!.header])
    assert.deepEqual([fork?.proof.signatureA, fork?.proof.signatureB], [proven[0]!.signature, proven[1]!.signature])
  })

  it('lets nothing more into the log, on either branch', () => {
    const { ingest, space } = joined()
    const { common, branch, other } = equivocation(space)
    ingest([...common, ...branch, other[0]!])
    const report = ingest([...common, ...branch, ...other])
    assert.deepEqual([report.stored, report.duplicates, report.refused], [0, 2, { frozen: 6 }])
  })

  it('is found from its later records downwards', () => {
    const { ingest, headOf, space } = joined()
    const { common, branch, other } = equivocation(space)
    ingest([...common, ...branch])
    const { author, log } = common[0]!
    const report = ingest(other.slice(2))
    assert.deepEqual([report.refused, report.gaps], [{ fork: 1 }, [{ author, log, from: 4, to: 4 }]])
    assert.equal(headOf(common[0]!)?.seq, 4)
    assert.deepEqual(ingest(other.slice(1, 2)).gaps, [{ author, log, from: 3, to: 3 }])
    assert.deepEqual(ingest(other.slice(0, 1)).gaps, [])
    assert.equal(headOf(common[0]!)?.seq, 2)
  })

  it('leaves nothing waiting for the log', () => {
    const { ingest, journal, space } = joined()
    const { common, branch, other } = equivocation(space)
    ingest([...common, branch[0]!])
    assert.equal(ingest([branch[2]!]).parked, 1)
    assert.deepEqual(ingest([other[0]!]).refused, { fork: 1, frozen: 1 })
    assert.equal(journal.figures().parked, 0)
  })

  it('stays void when what it voids expires', () => {
    const { ingest, journal, clock, space } = joined()
    const author = new Author(3, space)
    const twin = author.twin()
    const exp = START_MS + 1000
    const one = author.write({ exp })
    ingest([one, twin.write({ exp })])
    clock.advance(1000)
    assert.equal(journal.purgeExpired(), 2)
    assert.equal(journal.record(one.id), undefined)
  })

  it('needs a valid signature', () => {
    const { ingest, headOf, space, forks } = joined()
    const { common, branch, other } = equivocation(space)
    ingest([...common, ...branch])
    const forged = { ...other[0]!, frame: { ...other[0]!.frame, signature: branch[0]!.frame.signature } }
    assert.deepEqual(ingest([forged]).refused, { 'bad-signature': 1 })
    assert.equal(headOf(common[0]!)?.seq, 5)
    assert.deepEqual(forks, [])
  })

  it('at the first record leaves nothing of the log', () => {
    const { ingest, headOf, journal, space } = joined()
    const author = new Author(3, space)
    const twin = author.twin()
    const [one, other] = [author.write(), twin.write()]
    ingest([one, other])
    assert.equal(headOf(one), undefined)
    assert.equal(journal.record(one.id), undefined)
  })

  it('makes the authority read the control records again', () => {
    const { ingest, journal, authority, space, founder } = joined()
    const twin = founder.twin()
    let readable: readonly StoredRecord[] = []
    authority.reload = () => {
      readable = journal.records({ space, class: LOG_CLASS.control, limit: 10 })
    }
    ingest([founder.write({ kind: 2 }), twin.write({ kind: 3 })])
    assert.deepEqual(
      readable.map(({ kind }) => kind),
      [1],
    )
  })

  it('cannot put another record in the place of the genesis', () => {
    const { ingest, headOf, genesis, space } = joined()
    const rival = new Author(2, space, LOG_CLASS.control).write({ kind: 2 })
    assert.equal(rival.log, genesis.log)
    assert.deepEqual(ingest([rival]).refused, { 'wrong-space': 1 })
    assert.equal(headOf(genesis)?.seq, 1)
  })

  it('is told of once per commit, and not together with what it voids', () => {
    const { ingest, journal, space, forks } = joined()
    const { common, branch, other } = equivocation(space)
    const told: string[] = []
    journal.events.on('record:stored', ({ record }) => told.push(record.id))
    ingest([...common, ...branch, other[0]!])
    assert.deepEqual(
      told,
      common.map(({ id }) => id),
    )
    assert.equal(forks.length, 1)
  })
})

describe('a store restored from a backup', () => {
  const draft = (space: SpaceId, n: number): Draft => ({ space, class: LOG_CLASS.durable, kind: KIND, body: { n } })

  /** A device, and the same device as it was after three records. */
  async function restored() {
    const original = rig()
    const { space } = await original.journal.found({ name: 'space' })
    await original.journal.appendAll([draft(space, 1), draft(space, 2), draft(space, 3)])
    const backup = rig()
    const copy = backup.journal
    const heads = original.journal.heads(space).toSorted((a, b) => a.log.localeCompare(b.log))
    const [control, durable] = heads.map(({ author, log, seq }) => original.journal.frames(space, author, log, 1, seq))
    copy.ingest(space, control!, 'run')
    copy.ingest(space, durable!, 'run')
    // As a file copied while the original ran on: the same logs are its own.
    backup.database.exec('INSERT INTO own_log SELECT space, class, n FROM log')
    const later = await original.journal.appendAll([draft(space, 4), draft(space, 5)])
    return { original, copy, space, later, log: durable!.length === 3 ? later[0]!.log : '' }
  }

  it('takes its own later records from others and goes on in a new log', async () => {
    const { original, copy, space, later, log } = await restored()
    const report = copy.ingest(space, original.journal.frames(space, later[0]!.author, log, 4, 5), 'run')
    assert.equal(report.stored, 2)
    const next = await copy.append(draft(space, 6))
    assert.notEqual(next.log, log)
    assert.equal(next.seq, 1)
    assert.equal((await copy.append(draft(space, 7))).log, next.log)
  })

  it('leaves its old log as soon as it sees that it lags behind itself', async () => {
    const { original, copy, space, later, log } = await restored()
    assert.equal(copy.ingest(space, [original.journal.frame(later[1]!.id)!], 'single').parked, 1)
    assert.notEqual((await copy.append(draft(space, 6))).log, log)
  })

  it('that wrote before it saw keeps the proof, and never writes to that log again', async () => {
    const { original, copy, space, later, log } = await restored()
    const mine = await copy.append(draft(space, 6))
    assert.deepEqual([mine.log, mine.seq], [log, 4])
    const report = copy.ingest(space, original.journal.frames(space, mine.author, log, 4, 4), 'single')
    assert.deepEqual(report.refused, { fork: 1 })
    assert.equal(copy.record(mine.id), undefined)
    assert.equal(copy.record(later[0]!.id), undefined)
    const next = await copy.append(draft(space, 7))
    assert.notEqual(next.log, log)
    assert.equal(next.seq, 1)
  })
})
