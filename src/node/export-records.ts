import { z } from 'zod'
import { type CborValue, hlcToMs, isList, type Operation, operation, type PeerId, type SpaceId } from '../base/index.ts'
import { type Journal, KIND_RANGES, LOG_CLASS, type LogClass, type StoredRecord } from '../records/index.ts'
import { chosenSpace } from '../space/index.ts'
import type { PlexusNode } from './types.ts'

/** Records in one part of an export: a turn of the event loop each. */
const PART_RECORDS = 100

/** Plain JSON. */
export type ExportedValue =
  | null
  | boolean
  | number
  | string
  /** Bytes, in base64 (RFC 4648 section 4). */
  | { readonly base64: string }
  | readonly ExportedValue[]
  | { readonly [key: string]: ExportedValue }

/** A record as it leaves the store for other programs: `docs/specs/backup.md` section 4. */
export interface ExportedRecord {
  readonly id: string
  readonly space: SpaceId
  readonly author: PeerId
  readonly class: 'control' | 'durable' | 'expiring'
  readonly log: string
  readonly seq: number
  /** By the author's clock, milliseconds since 1970. */
  readonly time: number
  readonly kind: number
  /** Who defined the kind: `cognition`, `research`, ..., or `unknown`. */
  readonly domain: string
  /** Milliseconds since 1970. */
  readonly expires?: number
  /** Whether its own signature was checked here; else it was proven by a later one of its log. */
  readonly signatureChecked: boolean
  /** `null` if it was erased, expired, or cannot be read here. */
  readonly body: ExportedValue
}

export interface ExportPart {
  readonly records: readonly ExportedRecord[]
}

export interface ExportInput {
  /** Name or id; all spaces if not given. */
  readonly space?: string | undefined
  /** Only of this domain, e.g. `cognition`. */
  readonly domain?: string | undefined
  /** Milliseconds since 1970. */
  readonly since?: number | undefined
}

const INPUT: z.ZodType<ExportInput, ExportInput> = z.object({
  space: z.string().max(64).optional().describe('Name or id; all spaces if not given'),
  domain: z.string().max(32).optional().describe('Only of this domain, e.g. cognition'),
  since: z.number().optional().describe('Milliseconds since 1970'),
})

/** For people: it gives away everything that this device can read. */
export function exportOperation(node: Pick<PlexusNode, 'journal' | 'spaces'>): Operation {
  return operation({
    name: 'records.export',
    summary: 'Every record that is held, in plain text, in parts',
    input: INPUT,
    run: async ({ space, domain, since = 0 }, { signal }) => {
      const only = space === undefined ? undefined : chosenSpace(node.spaces.list(), space).id
      return exportRecords(node.journal, { space: only, domain, since }, signal)
    },
  })
}

interface Selection {
  readonly space: SpaceId | undefined
  readonly domain: string | undefined
  readonly since: number
}

async function* exportRecords(journal: Journal, selection: Selection, signal: AbortSignal): AsyncGenerator<ExportPart> {
  const { space, domain, since } = selection
  const query = { ...(space === undefined ? {} : { space }), limit: PART_RECORDS }
  for (let afterRid = 0; ; ) {
    signal.throwIfAborted()
    const records = journal.records({ ...query, afterRid })
    const last = records.at(-1)
    if (last === undefined) return
    afterRid = last.rid
    const chosen = records.map(exported).filter((one) => one.time >= since && (domain ?? one.domain) === one.domain)
    yield { records: chosen }
  }
}

function exported(record: StoredRecord): ExportedRecord {
  const { id, space, author, log, seq, hlc, kind, exp, signatureChecked, body } = record
  return {
    id,
    space,
    author,
    class: classNames[record.class],
    log,
    seq,
    time: hlcToMs(hlc),
    kind,
    domain: domainOf(kind),
    ...(exp === 0 ? {} : { expires: exp }),
    signatureChecked,
    body: body === undefined ? null : plainOf(body),
  }
}

const classNames: Readonly<Record<LogClass, ExportedRecord['class']>> = {
  [LOG_CLASS.control]: 'control',
  [LOG_CLASS.durable]: 'durable',
  [LOG_CLASS.expiring]: 'expiring',
}

function domainOf(kind: number): string {
  const found = Object.entries(KIND_RANGES).find(([, [first, last]]) => kind >= first && kind <= last)
  return found?.[0] ?? 'unknown'
}

function plainOf(value: CborValue): ExportedValue {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (isList(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainOf(one)]))
}
