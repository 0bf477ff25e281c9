import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HLC_MAX_AHEAD_MS } from '../../../src/base/index.ts'
import {
  encodeFrame,
  type Frame,
  type IngestReport,
  LOG_CLASS,
  PARKED_MAX_PER_LOG,
  PARKED_MAX_PER_SPACE,
  type RefusalReason,
  type StoredRecord,
} from '../../../src/records/index.ts'
import { StoreError } from '../../../src/store/index.ts'
import { Author, bodyOf, foundedBy, framesOf, REFUSED, rig, START_MS, UNKNOWN, type Written } from './fixture.ts'

/** A journal that holds the genesis of a foreign space. */
function joined() {
  const made = rig()
  const founded = foundedBy(2)
  const report = made.journal.ingest(founded.space, [founded.genesis.frame], 'single')
  assert.equal(report.stored, 1)
  const ingest = (written: readonly (Written | Frame)[], mode: 'single' | 'run' = 'single') =>
    made.journal.ingest(
      founded.space,
      written.map((each) => ('frame' in each ? each.frame : each)),
      mode,
    )
  return { ...made, ...founded, ingest, author: new Author(3, founded.space) }
}

function reported(report: IngestReport, expected: Partial<IngestReport>): void {
  assert.deepEqual(report, { stored: 0, duplicates: 0, parked: 0, refused: {}, gaps: [], ...expected })
}

const refused = (reason: RefusalReason, frames = 1): Partial<IngestReport> => ({ refused: { [reason]: frames } })
const badlySigned = ({ frame }: Written): Frame => ({ ...frame, signature: new Uint8Array(64).fill(1) })

for (const mode of ['single', 'run'] as const) {
  describe(`ingest of ${mode === 'single' ? 'single frames' : 'a run'}`, () => {
    it('stores what follows, tells of it, and serves it to the byte', () => {
      const { ingest, journal, space, author } = joined()
      const told: StoredRecord[] = []
      journal.events.on('record:stored', ({ record, own }) => {
        assert.equal(own, false)
        told.push(record)
      })
      const written = author.writeMany(5)
      reported(ingest(written, mode), { stored: 5 })
      assert.deepEqual(
        told.map(({ id }) => id),
        written.map(({ id }) => id),
      )
      const { author: peer, log } = written[0]!
      assert.deepEqual(journal.frames(space, peer, log, 1, 5).map(encodeFrame), framesOf(written).map(encodeFrame))
      for (const { id, frame } of written) assert.deepEqual(journal.frame(id), frame)
      assert.equal(journal.heads(space).find((head) => head.log === log)?.id, written[4]!.id)
    })

    it('knows what it holds', () => {
      const { ingest, author } = joined()
      const written = author.writeMany(3)
      ingest(written.slice(0, 2), mode)
      reported(ingest([...written, ...written], mode), { stored: 1, duplicates: 5 })
    })

    it('keeps the good beginning of a stretch with a bad end', () => {
      const { ingest, author } = joined()
      const written = author.writeMany(4)
      const frames = [...framesOf(written.slice(0, 3)), badlySigned(written[3]!)]
      reported(ingest(frames, mode), { stored: 3, ...refused('bad-signature') })
      reported(ingest(written, mode), { stored: 1, duplicates: 3 })
    })

    it('takes nothing of a stretch without a good signature', () => {
      const { ingest, author } = joined()
      const frames = author.writeMany(3).map(badlySigned)
      reported(ingest(frames, mode), refused('bad-signature', 3))
    })

    it('stops a log at a body that is not the signed one', () => {
      const { ingest, author } = joined()
      const written = author.writeMany(3)
      const frames = framesOf(written).map((frame, index) =>
        index === 1 ? { ...frame, body: bodyOf({ n: 9 }) } : frame,
      )
      const gaps = [{ author: written[0]!.author, log: written[0]!.log, from: 2, to: 2 }]
      reported(ingest(frames, mode), { stored: 1, parked: 1, ...refused('bad-body'), gaps })
      reported(ingest(written.slice(1, 2), mode), { stored: 2 })
    })

    it('takes several logs at once, whatever their order', () => {
      const { ingest, space } = joined()
      const [a, b] = [new Author(4, space).writeMany(3), new Author(5, space).writeMany(3)]
      const mixed = [a[0]!, b[0]!, a[1]!, b[1]!, b[2]!, a[2]!]
      reported(ingest(mixed, mode), { stored: 6 })
    })

    it('leaves everything as it was when the disk is full', () => {
      const { ingest, journal, database, authority, founder, author, space } = joined()
      const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
      database.exec(`PRAGMA max_page_count = ${pages + 4}`)
      const written = [founder.write({ kind: 2 }), ...author.writeMany(50, { body: { bytes: new Uint8Array(2000) } })]
      assert.throws(
        () => ingest(written, mode),
        (error) => error instanceof StoreError && error.code === 'ERR_STORE_FULL',
      )
      assert.equal(journal.records({ limit: 10 }).length, 1)
      assert.deepEqual(authority.reloaded, [space])
      database.exec('PRAGMA max_page_count = 1000000')
      reported(ingest(written, mode), { stored: 51 })
    })
  })
}

describe('a run', () => {
  it('is believed for its last signature; a bad one within it never leaves alone', () => {
    const { ingest, journal, space, author } = joined()
    const written = author.writeMany(5)
    const frames = framesOf(written).map((frame, index) => (index === 1 ? badlySigned(written[1]!) : frame))
    reported(ingest(frames, 'run'), { stored: 5 })
    const checked = () => written.map(({ id }) => journal.record(id)?.signatureChecked)
    assert.deepEqual(checked(), [false, false, false, false, true])
    assert.deepEqual(journal.frame(written[0]!.id), written[0]!.frame)
    assert.equal(journal.frame(written[1]!.id), undefined)
    assert.deepEqual(checked(), [true, false, false, false, true])
    const serve = (from: number, to: number) => journal.frames(space, written[0]!.author, written[0]!.log, from, to)
    assert.equal(serve(1, 2).length, 1)
    assert.equal(serve(1, 3).length, 3)
    // A copy with the good signature heals it.
    reported(ingest(written.slice(1, 2)), { duplicates: 1 })
    assert.deepEqual(journal.frame(written[1]!.id), written[1]!.frame)
    assert.deepEqual(journal.frames(space, written[0]!.author, written[0]!.log, 1, 5), framesOf(written))
  })

  it('remembers lazily checked signatures with the next commit', async () => {
    const { ingest, journal, database, author } = joined()
    const written = author.writeMany(3)
    ingest(written, 'run')
    journal.frame(written[0]!.id)
    ingest([author.write()])
    assert.equal(rig({ database }).journal.record(written[0]!.id)?.signatureChecked, true)
  })
})

describe('a frame', () => {
  it('is refused when it is malformed, not canonical or too large', () => {
    const { ingest, author } = joined()
    const { frame } = author.write()
    const header = Uint8Array.of(0x98, 14, ...frame.header.subarray(1))
    reported(ingest([{ ...frame, header }]), refused('not-canonical'))
    reported(ingest([{ ...frame, header: frame.header.subarray(1) }]), refused('malformed'))
    reported(ingest([{ ...frame, signature: new Uint8Array(63) }]), refused('malformed'))
    reported(ingest([{ ...frame, header: new Uint8Array(4000) }]), refused('too-large'))
    reported(ingest([{ ...frame, body: new Uint8Array(70_000) }]), refused('too-large'))
  })

  it('is refused when it belongs to another space', () => {
    const { ingest } = joined()
    const other = foundedBy(6)
    reported(ingest([other.genesis, new Author(3, other.space).write()]), refused('wrong-space', 2))
  })

  it('is refused when its author may not write', () => {
    const { ingest, authority, author } = joined()
    const written = author.writeMany(3)
    authority.verdicts.set(author.signer.peer, (seq) => (seq > 1 ? REFUSED : { allowed: true }))
    reported(ingest(written), { stored: 1, ...refused('not-allowed', 2) })
    reported(ingest(written, 'run'), { duplicates: 1, ...refused('not-allowed', 2) })
  })

  it('is refused when its chain is broken, and the report says what to ask for', () => {
    const { ingest, author } = joined()
    const first = author.write()
    const twin = author.twin()
    const [second, other, third] = [author.write(), twin.write(), twin.write()]
    ingest([first, second])
    const gaps = [{ author: first.author, log: first.log, from: 2, to: 2 }]
    reported(ingest([third]), { ...refused('broken-chain'), gaps })
    reported(ingest([badlySigned(third)]), refused('bad-signature'))
    reported(ingest([other]), refused('fork'))
  })

  it('that waits for an earlier one is stored with it', () => {
    const { ingest, journal, author } = joined()
    const written = author.writeMany(6)
    const { author: peer, log } = written[0]!
    reported(ingest([written[4]!]), { parked: 1, gaps: [{ author: peer, log, from: 1, to: 4 }] })
    reported(ingest([written[2]!, written[1]!]), { parked: 2, gaps: [{ author: peer, log, from: 1, to: 1 }] })
    reported(ingest([written[2]!]), { duplicates: 1, gaps: [{ author: peer, log, from: 1, to: 1 }] })
    assert.equal(journal.figures().parked, 3)
    reported(ingest([written[0]!]), { stored: 3, gaps: [{ author: peer, log, from: 4, to: 4 }] })
    reported(ingest([written[3]!]), { stored: 2 })
    assert.equal(journal.figures().parked, 0)
  })

  it('is not set aside unless it is genuine', () => {
    const { ingest, author } = joined()
    author.write()
    const late = author.write()
    reported(ingest([badlySigned(late)]), refused('bad-signature'))
    reported(ingest([{ ...late.frame, body: bodyOf({ n: 9 }) }]), refused('bad-body'))
  })

  it('ahead of the clock waits for its time', () => {
    const { ingest, journal, space, clock, author } = joined()
    const early = author.write({ atMs: START_MS + HLC_MAX_AHEAD_MS + 1000 })
    const next = author.write()
    reported(ingest([early, next]), { parked: 2 })
    reported(journal.retryParked(space), { parked: 2 })
    clock.advance(1000)
    reported(journal.retryParked(space), { stored: 2 })
  })

  it('of an unknown author waits until he is known, or refused', () => {
    const { ingest, journal, space, authority, author } = joined()
    const stranger = new Author(5, space)
    authority.verdicts.set(author.signer.peer, UNKNOWN).set(stranger.signer.peer, UNKNOWN)
    reported(ingest(author.writeMany(3), 'run'), { parked: 3 })
    reported(ingest([stranger.write()]), { parked: 1 })
    reported(journal.retryParked(space), { parked: 4 })
    authority.verdicts.delete(author.signer.peer)
    authority.verdicts.set(stranger.signer.peer, REFUSED)
    reported(journal.retryParked(space), { stored: 3, ...refused('not-allowed') })
  })

  it('of a space without genesis waits for that', () => {
    const { journal } = rig()
    const { space, genesis, founder } = foundedBy(2)
    const control = founder.write({ kind: 2 })
    reported(journal.ingest(space, [control.frame], 'single'), { parked: 1 })
    assert.deepEqual(journal.spaces(), [])
    reported(journal.ingest(space, [genesis.frame], 'single'), { stored: 2 })
    assert.deepEqual(journal.spaces(), [space])
  })

  it('that founds a space needs its body, its signature, and the authority’s consent', () => {
    const { journal, authority } = rig()
    const { space, genesis, founder } = foundedBy(2)
    reported(journal.ingest(space, [{ ...genesis.frame, body: null }], 'run'), refused('bad-body'))
    reported(journal.ingest(space, [badlySigned(genesis)], 'run'), refused('bad-signature'))
    authority.verdicts.set(founder.signer.peer, REFUSED)
    reported(journal.ingest(space, [genesis.frame], 'single'), refused('not-allowed'))
    assert.deepEqual(journal.spaces(), [])
  })

  it('of a control log needs its body', () => {
    const { ingest, founder } = joined()
    const { frame } = founder.write({ kind: 2 })
    reported(ingest([{ ...frame, body: null }]), refused('bad-body'))
  })

  it('of an unknown kind is stored and served', () => {
    const { ingest, journal, author } = joined()
    const written = author.write({ kind: 4_000_000 })
    reported(ingest([written]), { stored: 1 })
    assert.deepEqual(journal.frame(written.id), written.frame)
  })

  it('whose body cannot be read is stored and served', () => {
    const { ingest, journal, author } = joined()
    const written = author.write({ encoded: new Uint8Array(20).fill(0xff) })
    reported(ingest([written]), { stored: 1 })
    assert.equal(journal.record(written.id)?.body, undefined)
    assert.deepEqual(journal.frame(written.id), written.frame)
  })

  it('of a control log is shown to the authority before the next one is judged', () => {
    const { ingest, authority, founder, author } = joined()
    authority.verdicts.set(author.signer.peer, UNKNOWN)
    const observe = authority.observe.bind(authority)
    authority.observe = (record) => {
      observe(record)
      authority.verdicts.delete(author.signer.peer)
    }
    const admit = founder.write({ kind: 2 })
    reported(ingest([admit, author.write()]), { stored: 2 })
    assert.equal(authority.observed.at(-1)?.id, admit.id)
  })
})

describe('what is set aside', () => {
  it('is bounded per log: the frame that came first makes room', () => {
    const { ingest, journal, author } = joined()
    const written = author.writeMany(PARKED_MAX_PER_LOG + 3)
    ingest(written.slice(1))
    assert.deepEqual([journal.figures().parked, journal.figures().parkedDropped], [PARKED_MAX_PER_LOG, 2])
    const { author: peer, log } = written[0]!
    reported(ingest([written[0]!]), { stored: 1, gaps: [{ author: peer, log, from: 2, to: 3 }] })
    reported(ingest([author.write()]), { parked: 1, gaps: [{ author: peer, log, from: 2, to: 4 }] })
    reported(ingest(written.slice(1, 4)), { stored: PARKED_MAX_PER_LOG + 3 })
  })

  it('is bounded per space', () => {
    const { journal, space, authority } = joined()
    const authors = Array.from(
      { length: PARKED_MAX_PER_SPACE / PARKED_MAX_PER_LOG + 1 },
      (_, n) => new Author(n + 10, space),
    )
    for (const author of authors) authority.verdicts.set(author.signer.peer, UNKNOWN)
    for (const author of authors) journal.ingest(space, framesOf(author.writeMany(PARKED_MAX_PER_LOG)), 'run')
    const { parked, parkedDropped } = journal.figures()
    assert.deepEqual([parked, parkedDropped], [PARKED_MAX_PER_SPACE, PARKED_MAX_PER_LOG])
  })

  it('outlives a restart', () => {
    const { ingest, database, space, author } = joined()
    const written = author.writeMany(2)
    ingest(written.slice(1))
    const { journal } = rig({ database })
    assert.equal(journal.figures().parked, 1)
    assert.equal(journal.ingest(space, [written[0]!.frame], 'single').stored, 2)
  })
})

describe('a body', () => {
  it('that is missing comes with a later copy', () => {
    const { ingest, journal, author } = joined()
    const { id, frame } = author.write()
    reported(ingest([{ ...frame, body: null }]), { stored: 1 })
    assert.equal(journal.record(id)?.body, undefined)
    assert.deepEqual(journal.frame(id), { ...frame, body: null })
    reported(ingest([{ ...frame, body: bodyOf({ n: 9 }) }]), { duplicates: 1 })
    assert.equal(journal.record(id)?.body, undefined)
    reported(ingest([frame]), { duplicates: 1 })
    assert.deepEqual(journal.record(id)?.body, { n: 1 })
    assert.deepEqual(journal.frame(id), frame)
  })

  it('whose time is over is not stored, and dropped when it comes to be over', () => {
    const { ingest, journal, clock, space } = joined()
    const author = new Author(4, space, LOG_CLASS.expiring)
    const over = author.write({ exp: START_MS })
    const soon = author.write({ exp: START_MS + 1000 })
    reported(ingest([over, soon]), { stored: 2 })
    const bodies = () => [over, soon].map(({ id }) => journal.record(id)?.body)
    assert.deepEqual(bodies(), [undefined, { n: 2 }])
    assert.equal(journal.purgeExpired(), 0)
    clock.advance(1000)
    assert.equal(journal.purgeExpired(), 1)
    assert.deepEqual(bodies(), [undefined, undefined])
    reported(ingest([over, soon]), { duplicates: 2 })
    assert.deepEqual(bodies(), [undefined, undefined])
    reported(ingest([author.write({ exp: START_MS + 2000 })]), { stored: 1 })
  })
})
