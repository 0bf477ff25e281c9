import { isHex, isPeerId, plainLine, quotedLine, shortPeerId } from '../base/index.ts'
import type { EventBatch, NodeEvent } from '../node/index.ts'
import { type CommandContext, numberOption, spanOf } from './command.ts'
import { CliError } from './errors.ts'
import { type Style, styled } from './terminal.ts'

export interface EventsOptions {
  readonly follow?: boolean
  readonly component?: string
  readonly kind?: string
  readonly peer?: string
  readonly level?: string
  readonly since?: string
  readonly trace?: string
  readonly limit?: string
}

const LEVELS = ['debug', 'info', 'warn', 'error']
const LEVEL_STYLE: Readonly<Record<string, Style>> = { error: 'red', warn: 'yellow' }
const DETAIL_MAX_CHARS = 160
const KIND_WIDTH = 20

export async function showEvents(context: CommandContext, options: EventsOptions): Promise<void> {
  const { follow = false, component, kind, peer, level, since, trace, limit } = options
  if (level !== undefined && !LEVELS.includes(level)) {
    throw new CliError('ERR_USAGE', `no level is called ${JSON.stringify(level)}`, { fix: `Use ${LEVELS.join(', ')}.` })
  }
  const input = {
    component,
    kind,
    peer,
    level,
    since: since === undefined ? undefined : Date.now() - spanOf(since),
    trace: trace === undefined ? undefined : traceIdOf(trace),
    limit: numberOption('limit', limit),
    follow,
  }
  if (follow) return await context.listen<EventBatch>('node.events', input, (batch) => printBatch(context, batch))
  const report = await context.ask<EventBatch>('node.events', input)
  const lines = report.events.map((event) => eventLine(event))
  context.finish(report, lines.length === 0 ? 'nothing that is remembered matches' : lines.join('\n'))
}

async function printBatch({ json, print }: CommandContext, { events, lost }: EventBatch): Promise<void> {
  if (lost > 0)
    await print(json ? JSON.stringify({ lost }) : styled('yellow', `${lost} were lost: this reader was too slow`))
  for (const event of events) await print(json ? JSON.stringify(event) : eventLine(event))
}

/** `12:03:04.120 warn  bus  peer:lost  "bohr" (..jGUn)  reason="..."`. Whatever others said is quoted. */
export function eventLine(event: NodeEvent, paint: typeof styled = styled): string {
  const { at, level, component, kind, message, peer, name, spaceName, traceId, details } = event
  const who =
    peer === undefined ? [] : [name === undefined ? shortPeerId(peer) : `${quotedLine(name)} (${shortPeerId(peer)})`]
  const parts = [
    ...(message === undefined ? [] : [plainLine(message, DETAIL_MAX_CHARS)]),
    ...who,
    ...(spaceName === undefined ? [] : [`in ${quotedLine(spaceName)}`]),
    ...Object.entries(details)
      .filter(([key]) => key !== 'since' && (key !== 'space' || spaceName === undefined))
      .map(([key, value]) => `${plainLine(key, 40)}=${detailText(value)}`),
    ...(traceId === undefined ? [] : [paint('dim', `trace=${traceId}`)]),
  ]
  const time = paint('dim', timeOf(at))
  return `${time} ${paint(LEVEL_STYLE[level] ?? 'dim', level.padEnd(5))} ${plainLine(component, 20).padEnd(9)} ${paint('bold', kind.padEnd(KIND_WIDTH))} ${parts.join('  ')}`.trimEnd()
}

function detailText(value: string | number | boolean): string {
  if (typeof value === 'number') return String(Math.round(value * 10) / 10)
  if (typeof value === 'boolean') return String(value)
  if (isPeerId(value)) return shortPeerId(value)
  if (isHex(value, 32)) return `${value.slice(0, 12)}…`
  return /^[\w.:/+-]+$/.test(value) ? plainLine(value, DETAIL_MAX_CHARS) : quotedLine(value, DETAIL_MAX_CHARS)
}

/** Local time of day with milliseconds, after the day if that is not today. */
function timeOf(at: number): string {
  const date = new Date(at)
  const two = (n: number): string => String(n).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
  if (date.toDateString() === new Date().toDateString()) return time
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}

function traceIdOf(text: string): string {
  const id = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/.exec(text)?.[1]
  if (id !== undefined) return id
  throw new CliError('ERR_USAGE', `not the id of a trace: ${JSON.stringify(text)}`, {
    fix: 'Give its 32 hexadecimal digits, or a whole traceparent.',
  })
}
