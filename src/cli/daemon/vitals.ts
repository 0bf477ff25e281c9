import { readdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { errnoOf } from '../../base/index.ts'
import type { ProcessFigures } from '../../node/index.ts'

/** How often the event loop is looked at, and for how long a look counts. */
const LOOP_LOOK_MS = 20
const LOOP_WINDOW_MS = 5_000
const PERCENTILE = 99

/** What the process says of itself. Any number of readers may look: none takes anything away from another. */
export class Vitals implements Disposable {
  readonly #folder: string
  readonly #loop: ReturnType<typeof monitorEventLoopDelay> = monitorEventLoopDelay({ resolution: LOOP_LOOK_MS })
  readonly #roll: NodeJS.Timeout
  /** Of the window before the one under way, seconds. */
  #lastDelay = 0

  constructor(init: { readonly folder: string }) {
    this.#folder = init.folder
    this.#loop.enable()
    this.#roll = setInterval(() => {
      this.#lastDelay = this.#delay()
      this.#loop.reset()
    }, LOOP_WINDOW_MS).unref()
  }

  read(): ProcessFigures {
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    return {
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      cpuSeconds: (user + system) / 1e6,
      eventLoopDelaySeconds: Math.max(this.#lastDelay, this.#delay()),
      openFiles: openFiles(),
      storeBytes: sizeOf(join(this.#folder, 'plexus.db')),
      walBytes: sizeOf(join(this.#folder, 'plexus.db-wal')),
      diskFreeBytes: freeBytes(this.#folder),
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#roll)
    this.#loop.disable()
  }

  /** The histogram counts the time from one look to the next: what is beyond the interval is delay. */
  #delay(): number {
    return this.#loop.count === 0 ? 0 : Math.max(0, this.#loop.percentile(PERCENTILE) / 1e9 - LOOP_LOOK_MS / 1_000)
  }
}

/** Where the system says it. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
