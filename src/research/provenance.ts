import { compareText, type PeerId, type RecordId } from '../base/index.ts'
import { FIELD_NAMES, type PaperFields } from './paper-fields.ts'
import { SOURCES, type Source } from './record-bodies.ts'

/** A statement about a paper and the record that makes it. */
export interface PlacedStatement {
  readonly record: RecordId
  readonly author: PeerId
  readonly hlc: number
  readonly source: Source
  readonly fields: PaperFields
}

export interface ShownFields<Statement extends PlacedStatement> {
  readonly fields: PaperFields
  /** Which statement each shown field comes from. */
  readonly origin: ReadonlyMap<keyof PaperFields, Statement>
}

/** Who is believed when two statements differ: the higher source, then the later one, then the higher record id. */
export function compareStatements(a: PlacedStatement, b: PlacedStatement): number {
  return rankOf(a.source) - rankOf(b.source) || a.hlc - b.hlc || compareText(a.record, b.record)
}

/** Field by field the value of the strongest statement. Depends on the set of statements only, not on their order. */
export function shownFields<Statement extends PlacedStatement>(
  statements: readonly Statement[],
): ShownFields<Statement> {
  const origin = new Map<keyof PaperFields, Statement>()
  for (const statement of [...statements].sort(compareStatements)) {
    for (const name of FIELD_NAMES) if (statement.fields[name] !== undefined) origin.set(name, statement)
  }
  const fields: Record<string, unknown> = {}
  for (const name of FIELD_NAMES) {
    const from = origin.get(name)
    if (from !== undefined) fields[name] = from.fields[name]
  }
  return { fields: fields as PaperFields, origin }
}

export function rankOf(source: Source): number {
  return SOURCES.indexOf(source)
}
