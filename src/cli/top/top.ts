import { delay, reasonOf, systemClock } from '../../base/index.ts'
import { ControlClient, ControlError, type Profile } from '../../control/index.ts'
import { type CommandContext, numberOption } from '../command.ts'
import type { Sample } from '../daemon/sample.ts'
import { CliError } from '../errors.ts'
import { styled } from '../terminal.ts'
import { drawFrame, type View } from './frame.ts'
import { type Rates, ratesBetween } from './rates.ts'
import { Screen } from './screen.ts'

export interface TopOptions {
  readonly once?: boolean
  readonly interval?: string
}

const INTERVAL_MIN_S = 0.2
const INTERVAL_MAX_S = 60
/** Longer than any healthy daemon takes, shorter than patience. */
const SAMPLE_TIMEOUT_MS = 5_000
/** Where there is no terminal to ask. */
const PLAIN_COLUMNS = 120

/** A live view of this peer: on the whole terminal, as lines of JSON, or one frame as text. */
export async function top(context: CommandContext, options: TopOptions): Promise<void> {
  const seconds = numberOption('interval', options.interval) ?? 1
  if (seconds < INTERVAL_MIN_S || seconds > INTERVAL_MAX_S) {
    throw new CliError('ERR_USAGE', `--interval takes ${INTERVAL_MIN_S} to ${INTERVAL_MAX_S} seconds, not ${seconds}`)
  }
  using source = new SampleSource(context.profile)
  const quit = new AbortController()
  const signal = AbortSignal.any([context.signal, quit.signal])
  const next = async (): Promise<View> => {
    await delay(systemClock(), seconds * 1_000, signal)
    return await source.take(signal)
  }
  try {
    // Whether there is a daemon at all is said before the screen changes.
    const first = await source.take(signal)
    if (context.json) await printJson(context, next, options.once === true)
    else if (options.once === true || !isScreen()) await printPlain(context, await next())
    else await live(first, next, () => quit.abort())
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** A terminal whose cursor can be moved. */
function isScreen(): boolean {
  return process.stdout.isTTY === true && process.env.TERM !== 'dumb'
}

async function printJson({ print }: CommandContext, next: () => Promise<View>, once: boolean): Promise<void> {
  do {
    const { sample, rates, problem } = await next()
    if (problem !== undefined)
      throw new ControlError('ERR_DAEMON_LOST', problem, { fix: 'Start it again with `plexus up`.' })
    await print(JSON.stringify({ ...sample, rates }))
  } while (!once)
}

async function printPlain({ print }: CommandContext, view: View): Promise<void> {
  const columns = process.stdout.columns ?? PLAIN_COLUMNS
  for (const line of drawFrame(view, { columns, rows: Number.POSITIVE_INFINITY }, styled)) await print(line)
}

/** Ends by rejecting, once `quit` has aborted what `next` waits for. */
async function live(first: View, next: () => Promise<View>, quit: () => void): Promise<void> {
  let view = first
  const draw = (): void => screen.draw(drawFrame(view, screen.size, styled))
  using screen = new Screen({ onKey: (key) => key === 'q' && quit(), onResize: draw, onQuit: quit })
  for (;;) {
    draw()
    view = await next()
  }
}

/** Asks the daemon again and again, also one that was away in between. */
class SampleSource implements Disposable {
  readonly #profile: Profile
  #client: ControlClient | undefined
  #last: { readonly sample: Sample; readonly rates: Rates | undefined } | undefined

  constructor(profile: Profile) {
    this.#profile = profile
  }

  /** The newest sample. While there is none: the last one, and why. Rejects only when there never was one, or `signal` aborts. */
  async take(signal: AbortSignal): Promise<View> {
    const before = this.#last
    try {
      const sample = await this.#ask(signal)
      this.#last = { sample, rates: ratesBetween(before?.sample, sample) }
      return this.#last
    } catch (error) {
      signal.throwIfAborted()
      this.#client?.[Symbol.dispose]()
      this.#client = undefined
      if (before === undefined) throw error
      return { ...before, rates: undefined, problem: `these are figures of before: ${reasonOf(error)}` }
    }
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]()
  }

  async #ask(signal: AbortSignal): Promise<Sample> {
    this.#client ??= await ControlClient.open(this.#profile)
    if (this.#client === undefined) {
      throw new ControlError('ERR_DAEMON_NOT_RUNNING', 'no daemon runs for this profile', {
        fix: 'Start it with `plexus up`.',
      })
    }
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(SAMPLE_TIMEOUT_MS)])
    return (await this.#client.call('daemon.sample', {}, { signal: deadline })) as Sample
  }
}
