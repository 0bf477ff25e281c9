import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RecordId } from '../../../src/base/index.ts'
import {
  type Frame,
  type Journal,
  type LogHead,
  recordsSchema,
  type StoredRecord,
  type View,
} from '../../../src/records/index.ts'
import { type Database, openDatabase, StoreError } from '../../../src/store/index.ts'
import { KIND, rig, usageOf } from '../../unit/records/fixture.ts'
import { heardOf, RuleAuthority, Statements } from '../../unit/records/rule-authority.ts'
import { type Tally, tallyView } from '../../unit/records/tally-view.ts'
import { FailingDatabase } from './failing-database.ts'
import { validPart } from './model.ts'
import { GUARDED, LEVELS, type Made, plan, proofOf, proofsOf, space, type World, worldOf } from './world.ts'

interface Expected {
  readonly heads: readonly LogHead[]
  readonly table: string
  readonly erased: ReadonlySet<RecordId>
  readonly valid: readonly Made[]
}

/** The model: what counts, level by level, and the fold of that. */
function expected({ logs }: World): Expected {
  const valid: Made[] = []
  const heads: LogHead[] = []
  let statements = new Statements([], LEVELS)
  for (const [index, signed] of logs.entries()) {
    const [first] = signed
    if (first === undefined) continue
    const { author, log } = first
    const part = validPart(signed, statements.ruleOf(author, log))
    if (part === undefined || (author === GUARDED && !statements.isAdmitted(author))) continue
    valid.push(...part.records)
    const { seq, id } = part.records.at(-1)!
    heads.push({ author, log, base: part.base, seq, id })
    if (index < 2) statements = new Statements(heardOf(valid), LEVELS)
  }
  const erased = new Set(
    valid
      .filter(({ author, log, seq }) => statements.isErased(author, log, seq) && log.startsWith('01'))
      .map(({ id }) => id),
  )
  return { heads: sorted(heads), table: foldOf(valid.filter(({ id }) => !erased.has(id))), erased, valid }
}

function sorted(heads: readonly LogHead[]): readonly LogHead[] {
  return heads.toSorted((a, b) => (`${a.author}${a.log}` < `${b.author}${b.log}` ? -1 : 1))
}

/** The rows of the view, by the plainest way there is. */
function foldOf(valid: readonly Made[]): string {
  const records = valid
    .filter(({ header }) => header.kind === KIND)
    .toSorted((a, b) => a.header.hlc - b.header.hlc || (a.id < b.id ? -1 : 1))
  const rows: unknown[] = []
  for (const entity of ['a', 'b', 'c']) {
    const its = records.filter(({ body }) => body.about.includes(entity))
    if (its.length === 0) continue
    const { records: count, sum, trail }: Tally = tallyView().fold(entity, its as unknown as StoredRecord[])!
    rows.push({ entity, records: count, sum, trail })
  }
  return JSON.stringify(rows)
}

function tableOf(database: Database): string {
  const rows = database.prepare('SELECT entity, records, sum, trail FROM view_tally_entities ORDER BY entity').all()
  return JSON.stringify(rows)
}

/** A peer that may be restarted, with what its listeners make of its events. */
class Peer {
  readonly #path: string
  database!: FailingDatabase
  journal!: Journal
  readonly heads: Map<string, LogHead> = new Map()

  constructor(path: string) {
    this.#path = path
    this.open(openDatabase({ path, schemas: [recordsSchema] }))
  }

  open(inner: Database): void {
    this.database = new FailingDatabase(inner)
    const authority = new RuleAuthority()
    for (const [peer, level] of LEVELS) authority.levels.set(peer, level)
    authority.guarded.add(GUARDED)
    this.journal = rig({ database: this.database, seed: 9, authority }).journal
    authority.load(this.journal)
    this.journal.register(tallyView() as View)
    this.journal.events.on('record:stored', ({ record: { author, log, seq, id } }) => {
      const key = `${author}${log}`
      this.heads.set(key, { author, log, base: this.heads.get(key)?.base ?? 1, seq, id })
    })
    this.journal.events.on('log:changed', ({ author, log, head }) => {
      if (head === undefined) this.heads.delete(`${author}${log}`)
      else this.heads.set(`${author}${log}`, head)
    })
  }

  restart(): void {
    if (this.#path === ':memory:') return
    this.database.close()
    this.open(openDatabase({ path: this.#path, schemas: [recordsSchema] }))
  }

  get state(): string {
    return JSON.stringify([sorted(this.journal.heads(space)), this.journal.voided(space), tableOf(this.database)])
  }

  /** Runs the work while the disk fails after so many calls: then nothing has changed. */
  whileFailing(calls: number, work: () => void): void {
    const before = this.state
    this.database.callsLeft = calls
    try {
      work()
    } catch (error) {
      assert.ok(error instanceof StoreError, String(error))
      this.database.callsLeft = Number.POSITIVE_INFINITY
      assert.equal(this.state, before)
    } finally {
      this.database.callsLeft = Number.POSITIVE_INFINITY
    }
  }
}

type Action =
  | {
      readonly do: 'ingest'
      readonly picks: readonly number[]
      readonly mode: 'single' | 'run'
      readonly fails: number | undefined
    }
  | { readonly do: 'prove'; readonly one: number; readonly other: number; readonly fails: number | undefined }
  | { readonly do: 'restart' }
  | { readonly do: 'retry' }

const fails = fc.option(fc.nat(60), { nil: undefined, freq: 3 })
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('ingest' as const),
      picks: fc.array(fc.nat(200), { minLength: 1, maxLength: 12 }),
      mode: fc.constantFrom('single' as const, 'run' as const),
      fails,
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({ do: fc.constant('prove' as const), one: fc.nat(200), other: fc.nat(200), fails }),
    weight: 2,
  },
  { arbitrary: fc.constantFrom({ do: 'restart' as const }, { do: 'retry' as const }), weight: 1 },
)

function perform(peer: Peer, { all }: World, what: Action): void {
  if (what.do === 'restart') {
    peer.restart()
    return
  }
  if (what.do === 'retry') {
    peer.journal.retryParked(space)
    return
  }
  const work = (): void => {
    if (what.do === 'ingest') {
      // In the order of their numbers half of the time, so that runs are runs.
      const picked = what.picks.map((pick) => all[pick % all.length]!)
      const ordered = what.mode === 'run' ? picked.toSorted((a, b) => all.indexOf(a) - all.indexOf(b)) : picked
      peer.journal.ingest(
        space,
        ordered.map(({ frame }) => frame),
        what.mode,
      )
    } else {
      const one = all[what.one % all.length]!
      const rivals = all.filter(
        ({ log, seq, id, author }) => author === one.author && log === one.log && seq === one.seq && id !== one.id,
      )
      const other = rivals[what.other % Math.max(1, rivals.length)]
      if (other !== undefined) peer.journal.addForkProof(space, proofOf(one, other))
    }
  }
  if (what.fails === undefined) work()
  else peer.whileFailing(what.fails, work)
}

/** As members do that go on comparing until they agree. */
function settle({ journal }: Peer, everything: World): void {
  const stateOf = (): string => JSON.stringify([journal.heads(space), journal.forks(space).length])
  for (let round = 0, before = ''; before !== stateOf(); round++) {
    assert.ok(round < 40, 'it does not come to rest')
    before = stateOf()
    for (const { frame } of everything.all) journal.ingest(space, [frame], 'single')
    for (const proof of proofsOf(everything)) journal.addForkProof(space, proof)
    journal.retryParked(space)
  }
}

function assertIs(peer: Peer, model: Expected): void {
  const { journal } = peer
  assert.deepEqual(sorted(journal.heads(space)), model.heads)
  assert.equal(tableOf(peer.database), model.table)
  for (const { author, log, base, seq } of model.heads) {
    const its = model.valid.filter((record) => record.author === author && record.log === log)
    const want = its.map(({ frame, id }): Frame => (model.erased.has(id) ? { ...frame, body: null } : frame))
    assert.deepEqual(journal.frames(space, author, log, base, seq), want)
  }
  const valid = new Set(model.valid.map(({ id }) => id))
  assert.equal(journal.records({ space, limit: 1_000 }).length, valid.size)
  assert.equal(journal.figures().records, valid.size)
  const { records, bytes } = journal.usage(space)
  assert.deepEqual({ records, bytes }, usageOf(peer.database))
  for (const { first, last } of journal.voided(space)) assert.ok(!valid.has(first) && !valid.has(last))
}

describe('what counts of a log', () => {
  it('is what the model says, whatever came when, how often, and however often the disk failed', () => {
    fc.assert(
      fc.property(plan, fc.array(action, { maxLength: 20 }), (written, actions) => {
        const everything = worldOf(written)
        const peer = new Peer(':memory:')
        for (const each of actions) perform(peer, everything, each)
        settle(peer, everything)
        assertIs(peer, expected(everything))
        assert.deepEqual(sorted([...peer.heads.values()]), sorted(peer.journal.heads(space)))
        peer.database.close()
      }),
      { numRuns: 300 },
    )
  })

  it('is the same after restarts', () => {
    const folder = mkdtempSync(join(tmpdir(), 'plexus-validity-'))
    try {
      let run = 0
      fc.assert(
        fc.property(plan, fc.array(action, { minLength: 3, maxLength: 12 }), (written, actions) => {
          const everything = worldOf(written)
          const peer = new Peer(join(folder, `${run++}.db`))
          for (const each of actions) {
            perform(peer, everything, each)
            const before = peer.state
            peer.restart()
            assert.equal(peer.state, before)
          }
          settle(peer, everything)
          peer.restart()
          assertIs(peer, expected(everything))
          peer.database.close()
        }),
        { numRuns: 25 },
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
