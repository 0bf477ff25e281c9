import { FIELD_NAMES, type PaperFields } from './paper-fields.ts'
import { SOURCES, type Source } from './record-bodies.ts'

/** A statement about a paper and the record that makes it. */
export interface PlacedStatement {
  readonly record: string
  readonly author: string
  readonly hlc: number
  readonly source: Source
  readonly fields: PaperFields
}

export interface ShownFields {
  readonly fields: PaperFields
  /** Which record each shown field comes from. */
  readonly origin: ReadonlyMap<keyof PaperFields, PlacedStatement>
}

/** Who is believed when two statements differ: the higher source, then the later one, then the higher record id. */
export function compareStatements(a: PlacedStatement, b: PlacedStatement): number {
  return (
    rankOf(a.source) - rankOf(b.source) || a.hlc - b.hlc || (a.record < b.record ? -1 : a.record > b.record ? 1 : 0)
  )
}

/** Field by field the value of the strongest statement. Depends on the set of statements only, not on their order. */
export function shownFields(statements: readonly PlacedStatement[]): ShownFields {
  const origin = new Map<keyof PaperFields, PlacedStatement>()
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
