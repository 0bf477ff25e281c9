import { once } from 'node:events'
import type { Command } from 'commander'
import { codeOf, errorReport, PlexusError, plainText } from '../base/index.ts'
import { ControlClient, ControlError, type Profile, profileOf } from '../control/index.ts'
import { CliError, EXIT, exitCodeOf } from './errors.ts'
import { progressLine, styled } from './terminal.ts'

/** What every command gets. */
export interface CommandContext {
  readonly profile: Profile
  readonly json: boolean
  readonly signal: AbortSignal
  /** Asks the running daemon; rejects with ERR_DAEMON_NOT_RUNNING when there is none. */
  ask<T>(op: string, input?: unknown): Promise<T>
  /** As `ask` for an answer in parts. Ends quietly when the person interrupts. */
  listen<T>(op: string, input: unknown, onPart: (part: T) => Promise<void>): Promise<void>
  /** Prints and waits until whoever reads it has room for more. */
  print(text: string): Promise<void>
  /** Printed for people as the last thing; with --json it is `data` that is printed instead. */
  finish(data: object, human: string, exitCode?: number): void
}

/**
 * Wraps the body of a command: one JSON object or text for people on stdout, progress on stderr, a documented exit code,
 * and the same treatment for every error.
 */
export function run<Arguments extends unknown[]>(
  body: (context: CommandContext, ...args: Arguments) => Promise<void>,
): (...args: [...Arguments, Command]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command
    const { json = false, profile } = command.optsWithGlobals<{ json?: boolean; profile?: string }>()
    const interrupt = new AbortController()
    process.once('SIGINT', () => interrupt.abort(new PlexusError('ERR_INTERRUPTED', 'interrupted')))
    let client: ControlClient | undefined
    try {
      const where = profileOf(profile)
      await body(
        {
          profile: where,
          json,
          signal: interrupt.signal,
          ask: async <T>(op: string, input: unknown = {}) => {
            client ??= await openClient(where)
            return await askWithProgress<T>(client, op, input, interrupt.signal)
          },
          listen: async <T>(op: string, input: unknown, onPart: (part: T) => Promise<void>) => {
            client ??= await openClient(where)
            try {
              for await (const part of client.stream(op, input, interrupt.signal)) await onPart(part as T)
            } catch (error) {
              if (!interrupt.signal.aborted) throw error
              process.exitCode = EXIT.interrupted
            }
          },
          print: async (text) => {
            if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain', { signal: interrupt.signal })
          },
          finish: (data, human, exitCode = EXIT.ok) => {
            process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${human}\n`)
            process.exitCode = exitCode
          },
        },
        ...(all.slice(0, -1) as unknown as Arguments),
      )
    } catch (error) {
      reportError(error, json)
      process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : exitCodeOf(codeOf(error))
    } finally {
      client?.[Symbol.dispose]()
    }
  }
}

async function openClient(profile: Profile): Promise<ControlClient> {
  const client = await ControlClient.open(profile)
  if (client !== undefined) return client
  throw new ControlError('ERR_DAEMON_NOT_RUNNING', 'no daemon runs for this profile', {
    fix: 'Start it with `plexus up`.',
  })
}

async function askWithProgress<T>(client: ControlClient, op: string, input: unknown, signal: AbortSignal): Promise<T> {
  const line = progressLine()
  try {
    return (await client.call(op, input, {
      signal,
      onProgress: ({ done, total, message }) =>
        line.show(`${message ?? op} ${done}${total === undefined ? '' : ` of ${total}`}`),
    })) as T
  } finally {
    line.end()
  }
}

/** The number that an option gives, if it was given. Throws `ERR_USAGE` for what is none. */
export function numberOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(value)) return value
  throw new CliError('ERR_USAGE', `--${name} takes a number, not ${JSON.stringify(text)}`)
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 }

/** `90s`, `10m`, `12h`, `7d` as milliseconds. */
export function spanOf(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const unitMs = unit === undefined ? undefined : UNIT_MS[unit]
  if (digits !== undefined && unitMs !== undefined) return Number(digits) * unitMs
  throw new CliError('ERR_USAGE', `not a span of time: ${JSON.stringify(text)}`, {
    fix: 'Write a number and a unit, e.g. 10m, 12h or 7d.',
  })
}

/** The longest sentence of an error that is shown. */
const MESSAGE_MAX_CHARS = 4_000

/** Errors go to stderr for people; with --json they go to stdout too, so that a pipe never loses one. */
export function reportError(error: unknown, json: boolean): void {
  const report = errorReport(error)
  if (json) {
    process.stdout.write(`${JSON.stringify({ error: report })}\n`)
    return
  }
  const { code, message, fix } = report
  // Either may hold words of another peer: none that a terminal obeys.
  const advice = fix === undefined ? '' : `  fix: ${plainText(fix, MESSAGE_MAX_CHARS)}\n`
  process.stderr.write(`${styled('red', 'error')} ${plainText(message, MESSAGE_MAX_CHARS)} (${code})\n${advice}`)
}
