import { LOG_LEVELS, type LogLevel, type PeerId, REDACTED } from '../../base/index.ts'

export type EventDetail = string | number | boolean

/** Something that happened in a node: what a component told (`peer:ready`), or a line of the log (`log`). */
export interface NodeEvent {
  /** Counts events and lines together, from the start of the node. */
  readonly seq: number
  /** Wall clock, milliseconds since 1970. */
  readonly at: number
  readonly level: LogLevel
  readonly component: string
  readonly kind: string
  /** Of a log line. */
  readonly message?: string
  readonly peer?: PeerId
  /** What the peer is called where it is a member, or calls itself: untrusted text. */
  readonly name?: string
  /** What the space in the details is called. */
  readonly spaceName?: string
  /** 32 hexadecimal digits. */
  readonly traceId?: string
  /** Plain values only, texts cut; never a key, a ticket, or what a thought or a paper says. Texts may be those of other peers. */
  readonly details: Readonly<Record<string, EventDetail>>
}

const DETAILS_MAX = 16
const TEXT_MAX_CHARS = 300
const LIST_MAX = 5
/** These have a place of their own. */
const APART: ReadonlySet<string> = new Set(['peer', 'name', 'traceId', ...REDACTED])

/** What of some fields may be kept: plain values, short lists of them, and those one level down, by their names. */
export function detailsOf(fields: object): Record<string, EventDetail> {
  const details: Record<string, EventDetail> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (APART.has(name)) continue
    const plain = Array.isArray(value) ? listOf(value) : plainOf(value)
    if (plain !== undefined) details[name] = plain
    else if (typeof value === 'object' && value !== null) Object.assign(details, partsOf(name, value))
    if (Object.keys(details).length >= DETAILS_MAX) break
  }
  return details
}

/** `now.kind` of `{ now: { kind: 'direct' } }`. Bytes have no names. */
function partsOf(name: string, value: object): Record<string, EventDetail> {
  const parts: Record<string, EventDetail> = {}
  if (ArrayBuffer.isView(value)) return parts
  for (const [key, part] of Object.entries(value).slice(0, DETAILS_MAX)) {
    const plain = REDACTED.includes(key) ? undefined : plainOf(part)
    if (plain !== undefined) parts[`${name}.${key}`] = plain
  }
  return parts
}

function listOf(values: readonly unknown[]): string {
  const shown = values.slice(0, LIST_MAX).flatMap((value) => plainOf(value) ?? [])
  const more = values.length > LIST_MAX ? ` and ${values.length - LIST_MAX} more` : ''
  return `${shown.join(' ')}${more}`.slice(0, TEXT_MAX_CHARS)
}

function plainOf(value: unknown): EventDetail | undefined {
  if (typeof value === 'string') return value.slice(0, TEXT_MAX_CHARS)
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

export interface EventFilter {
  readonly component?: string | undefined
  /** `peer:*`, `log`; `*` stands for any characters. */
  readonly kind?: string | undefined
  /** Peer id, the end of one (at least four characters), or the name of a member. */
  readonly peer?: string | undefined
  /** The least level. Default `info`; with `trace`, `debug`. */
  readonly level?: LogLevel | undefined
  readonly trace?: string | undefined
  /** Wall clock, milliseconds since 1970: nothing older. */
  readonly since?: number | undefined
}

/** Does an event, named already, pass? */
export function eventFilter(filter: EventFilter): (event: NodeEvent) => boolean {
  const { component, kind, peer, trace, since = 0 } = filter
  const level = LOG_LEVELS.indexOf(filter.level ?? (trace === undefined ? 'info' : 'debug'))
  const pattern = kind === undefined ? undefined : patternOf(kind)
  return (event) =>
    event.at >= since &&
    LOG_LEVELS.indexOf(event.level) >= level &&
    (component === undefined || event.component === component) &&
    (pattern === undefined || pattern.test(event.kind)) &&
    (trace === undefined || event.traceId === trace) &&
    (peer === undefined || isAbout(event, peer))
}

function isAbout(event: NodeEvent, peer: string): boolean {
  if (event.peer === undefined) return false
  return event.peer === peer || event.name === peer || (peer.length >= 4 && event.peer.endsWith(peer))
}

function patternOf(kind: string): RegExp {
  const parts = kind.split('*').map((part) => RegExp.escape(part))
  return new RegExp(`^${parts.join('.*')}$`)
}
