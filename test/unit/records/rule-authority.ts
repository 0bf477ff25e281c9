import type { PeerId, RecordId, SpaceId, VirtualClock } from '../../../src/base/index.ts'
import {
  type AuthorityVerdict,
  type BodyMap,
  type IngestReport,
  type Journal,
  LOG_CLASS,
  type LogHead,
  type LogRule,
  NO_RULE,
  type RecordPlace,
  type StoredRecord,
  type View,
} from '../../../src/records/index.ts'
import type { Database } from '../../../src/store/index.ts'
import { Author, foundedBy, framesOf, type RigInit, rig, TableAuthority, UNKNOWN, type Written } from './fixture.ts'
import { tallyView } from './tally-view.ts'

/** What a control record of the tests says; of several about one log the one with the greatest `n` counts. */
export type Statement =
  | { readonly n: number; readonly author: PeerId; readonly log: string; readonly rule: LogRule }
  | { readonly erase: RecordPlace }
  | { readonly admit: PeerId }

interface Heard {
  readonly by: PeerId
  readonly statement: Statement
}

export function bodyOfStatement(statement: Statement): BodyMap {
  return { statement: JSON.stringify(statement) }
}

function statementOf(body: BodyMap | undefined): Statement | undefined {
  return typeof body?.statement === 'string' ? (JSON.parse(body.statement) as Statement) : undefined
}

/** What follows from control records, whoever holds them: the tests' model and their authority share nothing but this. */
export class Statements {
  readonly #heard: readonly Heard[]
  readonly #levels: ReadonlyMap<PeerId, number>

  constructor(heard: readonly Heard[], levels: ReadonlyMap<PeerId, number>) {
    this.#heard = heard
    this.#levels = levels
  }

  /** Only what comes from a lower level than the author's. */
  #about(author: PeerId): readonly Statement[] {
    const level = this.#levels.get(author) ?? 9
    return this.#heard.filter(({ by }) => (this.#levels.get(by) ?? 9) < level).map(({ statement }) => statement)
  }

  ruleOf(author: PeerId, log: string): LogRule {
    let best = -1
    let rule = NO_RULE
    for (const statement of this.#about(author)) {
      if (!('rule' in statement) || statement.author !== author || statement.log !== log || statement.n < best) continue
      best = statement.n
      rule = statement.rule
    }
    return rule
  }

  isErased(author: PeerId, log: string, seq: number): boolean {
    return this.#about(author).some(
      (one) => 'erase' in one && one.erase.author === author && one.erase.log === log && one.erase.seq === seq,
    )
  }

  isAdmitted(author: PeerId): boolean {
    return this.#about(author).some((one) => 'admit' in one && one.admit === author)
  }
}

/** Control records with their authors, as `Statements` takes them. */
export function heardOf(records: readonly { readonly author: PeerId; readonly body: BodyMap | undefined }[]): Heard[] {
  return records.flatMap(({ author, body }) => {
    const statement = statementOf(body)
    return statement === undefined ? [] : [{ by: author, statement }]
  })
}

/** Obeys the statements in the control records that are held. Authors of `guarded` may write once they are admitted. */
export class RuleAuthority extends TableAuthority {
  readonly levels: Map<PeerId, number> = new Map()
  readonly guarded: Set<PeerId> = new Set()
  journal: Journal | undefined
  #held: StoredRecord[] = []
  #read: Statements | undefined
  #changed = new Set<PeerId>()
  #erased: RecordPlace[] = []

  get #statements(): Statements {
    this.#read ??= new Statements(heardOf(this.#held), this.levels)
    return this.#read
  }

  override mayWrite(write: Parameters<TableAuthority['mayWrite']>[0]): AuthorityVerdict {
    if (this.guarded.has(write.author) && !this.#statements.isAdmitted(write.author)) return UNKNOWN
    return super.mayWrite(write)
  }

  override observe(record: StoredRecord): void {
    super.observe(record)
    this.#held.push(record)
    this.#read = undefined
    this.#note(record)
  }

  override reload(space: SpaceId): void {
    super.reload(space)
    const before = this.#held
    this.#held = [...(this.journal?.records({ space, class: LOG_CLASS.control, limit: 1_000 }) ?? [])]
    this.#read = undefined
    for (const record of [...before, ...this.#held]) this.#note(record)
  }

  /** At the start. */
  load(journal: Journal): void {
    this.journal = journal
    for (const space of journal.spaces()) this.reload(space)
  }

  override ruleOf(_space: SpaceId, author: PeerId, log: string): LogRule {
    return this.#statements.ruleOf(author, log)
  }

  override takeChangedRules(): ReadonlySet<PeerId> {
    const changed = this.#changed
    this.#changed = new Set()
    return changed
  }

  override takeErased(): readonly RecordPlace[] {
    const erased = this.#erased
    this.#erased = []
    return erased
  }

  override isErased(_space: SpaceId, author: PeerId, log: string, seq: number): boolean {
    return this.#statements.isErased(author, log, seq)
  }

  #note({ body }: StoredRecord): void {
    const statement = statementOf(body)
    if (statement === undefined) return
    if ('rule' in statement) this.#changed.add(statement.author)
    else if ('admit' in statement) this.#changed.add(statement.admit)
    else this.#erased.push(statement.erase)
  }
}

export function endAt(seq: number, id: RecordId | undefined): LogRule {
  return { end: { seq, id }, branches: [] }
}

/** The rule after an accept with a choice: the record at `from` names the branch, the log ends at `to`. */
export function choice(from: number, first: RecordId, to: number, last: RecordId): LogRule {
  return { end: { seq: to, id: last }, branches: [{ seq: from, id: first }] }
}

/** A journal that holds the genesis of a foreign space and obeys what its founder says. */
export interface Ruled {
  readonly journal: Journal
  readonly database: Database
  readonly clock: VirtualClock
  readonly authority: RuleAuthority
  readonly space: SpaceId
  readonly genesis: Written
  readonly founder: Author
  readonly ingest: (written: readonly Written[], mode?: 'single' | 'run') => IngestReport
  /** The founder says something, and everybody hears it. */
  readonly say: (...statements: readonly Statement[]) => IngestReport
  readonly headOf: (written: Written) => LogHead | undefined
  /** What listeners of `log:changed` were told: the head, or `undefined`. */
  readonly changes: (LogHead | undefined)[]
}

export function ruled(init: RigInit = {}): Ruled {
  const authority = new RuleAuthority()
  const { journal, database, clock } = rig({ ...init, authority })
  authority.load(journal)
  journal.register(tallyView() as View)
  const { space, genesis, founder } = foundedBy(2)
  authority.levels.set(genesis.author, 0)
  journal.ingest(space, [genesis.frame], 'single')
  const changes: (LogHead | undefined)[] = []
  journal.events.on('log:changed', ({ head }) => changes.push(head))
  const ingest = (written: readonly Written[], mode: 'single' | 'run' = 'single'): IngestReport =>
    journal.ingest(space, framesOf(written), mode)
  return {
    journal,
    database,
    clock,
    authority,
    space,
    genesis,
    founder,
    ingest,
    say: (...statements) =>
      ingest(statements.map((statement) => founder.write({ kind: 2, body: bodyOfStatement(statement) }))),
    headOf: ({ author, log }) => journal.heads(space).find((head) => head.author === author && head.log === log),
    changes,
  }
}

/** The rule that the statement number `n` gives the log of this record. */
export function ruling({ author, log }: Written, rule: LogRule, n: number): Statement {
  return { n, author, log, rule }
}

/** A record that speaks of x. */
export const about = (n: number): { readonly body: BodyMap } => ({ body: { n, about: ['x'] } })

/** What the view makes of all that speak of x: their `n`, oldest first. */
export function trailOf(database: Database): unknown {
  return database.prepare("SELECT trail FROM view_tally_entities WHERE entity = 'x'").get()?.trail
}

/** A log of five records that all speak of x. */
export function five(made: Ruled): readonly Written[] {
  const author = new Author(3, made.space)
  const written = [1, 2, 3, 4, 5].map((n) => author.write(about(n)))
  made.ingest(written)
  return written
}
