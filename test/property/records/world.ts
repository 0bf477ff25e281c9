import fc from 'fast-check'
import type { PeerId, RecordId, SpaceId } from '../../../src/base/index.ts'
import { FLAG_PRUNE_POINT, type ForkProof, LOG_CLASS, type LogRule, NO_RULE } from '../../../src/records/index.ts'
import { Author, type Founded, foundedBy, KIND, START_MS, type Written } from '../../unit/records/fixture.ts'
import { bodyOfStatement, type Statement } from '../../unit/records/rule-authority.ts'
import type { ModelRecord } from './model.ts'

const FOUNDER = 2
const DEPUTY = 3
const WRITERS = [4, 5]
const founded: Founded = foundedBy(FOUNDER)
const { genesis, founder } = founded
export const space: SpaceId = founded.space

/** Who may decide about whom: authors of the least level first. */
export const LEVELS: ReadonlyMap<PeerId, number> = new Map([
  [genesis.author, 0],
  [new Author(DEPUTY, space).signer.peer, 1],
])
/** A writer who may write once somebody admitted it. */
export const GUARDED: PeerId = new Author(WRITERS[1]!, space).signer.peer

export interface Made extends Written, ModelRecord {
  readonly author: PeerId
  readonly log: string
  readonly body: { readonly n: number; readonly about: readonly string[] } | Record<string, never>
  readonly statement: Statement | undefined
}

/** Everything that was ever signed. */
export interface World {
  readonly logs: readonly (readonly Made[])[]
  readonly all: readonly Made[]
}

export interface Step {
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

export interface Plan {
  readonly data: readonly (readonly Step[])[]
  readonly deputy: readonly Step[]
  readonly founder: readonly Step[]
}

export const plan: fc.Arbitrary<Plan> = fc.record({
  data: fc.tuple(steps(10), steps(10)),
  deputy: steps(6),
  founder: steps(6),
})

export function worldOf({ data, deputy, founder: own }: Plan): World {
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

/** All proofs of true forks. */
export function proofsOf({ logs }: World): readonly ForkProof[] {
  return logs.flatMap((signed) =>
    signed.flatMap((one, index) =>
      signed
        .slice(index + 1)
        .filter((other) => other.seq === one.seq && other.prev === one.prev)
        .map((other) => proofOf(one, other)),
    ),
  )
}

export function proofOf({ frame: a }: Made, { frame: b }: Made): ForkProof {
  return { headerA: a.header, signatureA: a.signature, headerB: b.header, signatureB: b.signature }
}
