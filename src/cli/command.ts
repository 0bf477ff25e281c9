import type { Command } from 'commander'
import { codeOf, errorReport, PlexusError, plainText } from '../base/index.ts'
import { ControlClient } from './client.ts'
import { CliError, EXIT, exitCodeOf } from './errors.ts'
import { type Profile, profileOf } from './profile.ts'
import { progressLine, styled } from './terminal.ts'

/** What every command gets. */
export interface CommandContext {
  readonly profile: Profile
  readonly json: boolean
  readonly signal: AbortSignal
  /** Asks the running daemon; rejects with ERR_DAEMON_NOT_RUNNING when there is none. */
  ask<T>(op: string, input?: unknown): Promise<T>
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
            client ??= await ControlClient.open(where)
            if (client === undefined) throw notRunning()
            return await askWithProgress<T>(client, op, input, interrupt.signal)
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

function notRunning(): CliError {
  return new CliError('ERR_DAEMON_NOT_RUNNING', 'no daemon runs for this profile', {
    fix: 'Start it with `plexus up`.',
  })
}
