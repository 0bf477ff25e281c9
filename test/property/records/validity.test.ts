import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { PeerId, RecordId } from '../../../src/base/index.ts'
import {
  FLAG_PRUNE_POINT,
  type ForkProof,
  type Frame,
  type Journal,
  LOG_CLASS,
  type LogHead,
  type LogRule,
  NO_RULE,
  recordsSchema,
  type StoredRecord,
  type View,
} from '../../../src/records/index.ts'
import { type Database, openDatabase, type Statement as SqlStatement, StoreError } from '../../../src/store/index.ts'
import { Author, foundedBy, KIND, rig, START_MS, type Written } from '../../unit/records/fixture.ts'
import {
  bodyOfStatement,
  heardOf,
  RuleAuthority,
  type Statement,
  Statements,
} from '../../unit/records/rule-authority.ts'
import { type Tally, tallyView } from '../../unit/records/tally-view.ts'
import { type ModelRecord, validPart } from './model.ts'

const FOUNDER = 2
const DEPUTY = 3
const WRITERS = [4, 5]
const { space, genesis, founder } = foundedBy(FOUNDER)

interface Made extends Written, ModelRecord {
  readonly author: PeerId
  readonly log: string
  readonly body: { readonly n: number; readonly about: readonly string[] } | Record<string, never>
  readonly statement: Statement | undefined
}

/** Everything that was ever signed. */
interface World {
  readonly logs: readonly (readonly Made[])[]
  readonly all: readonly Made[]
}

interface Step {
  /** How many records back it continues: 0 the last one, so that anything else makes a fork. */
  readonly back: number
  readonly prune: boolean
  readonly about: readonly string[]
  readonly atMs: number
  /** What it says, if it is a control record: of which log, and what. */
  readonly subject: number
  readonly says: 'end' | 'choose' | 'free' | 'erase' | 'admit'
  readonly place: number
}

const step: fc.Arbitrary<Step> = fc.record({
  back: fc.oneof({ arbitrary: fc.constant(0), weight: 6 }, { arbitrary: fc.nat(3), weight: 1 }),
  prune: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
  about: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
  atMs: fc.nat(5),
  subject: fc.nat(9),
  says: fc.constantFrom('end', 'end', 'choose', 'choose', 'free', 'erase', 'admit'),
  place: fc.nat(12),
})

const steps = (max: number): fc.Arbitrary<readonly Step[]> => fc.array(step, { maxLength: max })

interface Plan {
  readonly data: readonly (readonly Step[])[]
  readonly deputy: readonly Step[]
  readonly founder: readonly Step[]
}

const plan: fc.Arbitrary<Plan> = fc.record({
  data: fc.tuple(steps(10), steps(10)),
  deputy: steps(6),
  founder: steps(6),
})

function worldOf({ data, deputy, founder: own }: Plan): World {
  const writers = data.map((each, index) => grow(new Author(WRITERS[index]!, space, LOG_CLASS.durable), each, []))
  const deputies = grow(new Author(DEPUTY, space, LOG_CLASS.control), deputy, writers, 100)
  const founders = grow(founder.twin(), own, [...writers, deputies], 200, genesisRecord())
  return { logs: [founders, deputies, ...writers], all: [...founders, ...deputies, ...writers.flat()] }
}

function genesisRecord(): Made {
  return made(genesis, {}, undefined)
}

function made(written: Written, body: Made['body'], statement: Statement | undefined): Made {
  const { seq, prev, flags } = written.header
  return {
    ...written,
    seq,
    prev: seq === 1 ? undefined : (Buffer.from(prev).toString('hex') as RecordId),
    isPrunePoint: (flags & FLAG_PRUNE_POINT) !== 0,
    body,
    statement,
  }
}

/** A log as a tree: each record continues the last one, or one before it. */
function grow(
  author: Author,
  all: readonly Step[],
  subjects: readonly (readonly Made[])[],
  n = 0,
  first?: Made,
): readonly Made[] {
  const records: { readonly made: Made | undefined; readonly after: Author }[] = [{ made: first, after: author }]
  for (const [index, each] of all.entries()) {
    const parent = records[Math.max(0, records.length - 1 - each.back)]!
    const writer = parent.after.twin()
    const isControl = subjects.length > 0 || n > 0
    const statement = isControl ? statementOf(each, subjects, n + index) : undefined
    // A number of its own in each body, so that no two records are the same.
    const body = statement === undefined ? { n: index, about: each.about } : { ...bodyOfStatement(statement), n: index }
    const written = writer.write({
      kind: isControl ? 2 : KIND,
      body,
      atMs: START_MS + each.atMs,
      fields: each.prune && !isControl ? { flags: FLAG_PRUNE_POINT } : {},
    })
    records.push({ made: made(written, body as Made['body'], statement), after: writer })
  }
  return records.map((record) => record.made).filter((record) => record !== undefined)
}

function statementOf({ subject, says, place }: Step, subjects: readonly (readonly Made[])[], n: number): Statement {
  const its = subjects[subject % subjects.length] ?? []
  const named = its[place % Math.max(1, its.length)]
  if (named === undefined) return { admit: genesis.author }
  const { author, log, seq, id } = named
  if (says === 'erase') return { erase: { author, log, seq } }
  if (says === 'admit') return { admit: author }
  return { n, author, log, rule: ruleFor(says, its, named, { seq, id }) }
}

function ruleFor(
  says: Step['says'],
  subject: readonly Made[],
  named: Made,
  place: { seq: number; id: RecordId },
): LogRule {
  if (says === 'free') return NO_RULE
  if (says === 'end') return { end: place, branches: [] }
  const last = subject.findLast((record) => record.seq >= named.seq) ?? named
  return { branches: [place], end: { seq: last.seq, id: last.id } }
}

interface Expected {
  readonly heads: readonly LogHead[]
  readonly table: string
  readonly erased: ReadonlySet<RecordId>
  readonly valid: readonly Made[]
}

const LEVELS = new Map([
  [genesis.author, 0],
  [new Author(DEPUTY, space).signer.peer, 1],
])
const GUARDED = new Author(WRITERS[1]!, space).signer.peer

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

/** All proofs of true forks. */
function proofsOf({ logs }: World): readonly ForkProof[] {
  return logs.flatMap((signed) =>
    signed.flatMap((one, index) =>
      signed
        .slice(index + 1)
        .filter((other) => other.seq === one.seq && other.prev === one.prev)
        .map((other) => proofOf(one, other)),
    ),
  )
}

function proofOf({ frame: a }: Made, { frame: b }: Made): ForkProof {
  return { headerA: a.header, signatureA: a.signature, headerB: b.header, signatureB: b.signature }
}

/** A database whose disk gives out after so many calls. */
class FailingDatabase implements Database {
  readonly #inner: Database
  callsLeft: number = Number.POSITIVE_INFINITY

  constructor(inner: Database) {
    this.#inner = inner
  }

  #spend(): void {
    if (--this.callsLeft < 0) throw new StoreError('ERR_STORE_FULL', 'the disk is full')
  }

  prepare(sql: string): SqlStatement {
    const { run, get, all, iterate } = this.#inner.prepare(sql)
    return {
      run: (...params) => {
        this.#spend()
        return run(...params)
      },
      get,
      all,
      iterate,
    }
  }

  exec(sql: string): void {
    this.#spend()
    this.#inner.exec(sql)
  }

  transaction<T>(work: () => T): T {
    return this.#inner.transaction(work)
  }

  beforeCommit(work: () => void): void {
    this.#inner.beforeCommit(work)
  }

  close(): void {
    this.#inner.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
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
