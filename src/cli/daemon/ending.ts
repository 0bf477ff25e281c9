import { type Logger, reasonOf } from '../../base/index.ts'

/** Then the process ends, whatever still hangs. */
const STOP_DEADLINE_MS = 10_000

/** The end of the daemon: in good order and within a deadline, and at once for whoever asks a second time. */
export class Ending {
  readonly #shutDown: () => Promise<void>
  readonly #log: Logger
  readonly #exitCode = Promise.withResolvers<number>()
  #begun = false

  constructor(shutDown: () => Promise<void>, log: Logger) {
    this.#shutDown = shutDown
    this.#log = log
  }

  get begun(): boolean {
    return this.#begun
  }

  /** Settles with the process's exit code once everything has stopped. */
  get exitCode(): Promise<number> {
    return this.#exitCode.promise
  }

  begin(code = 0): void {
    if (this.#begun) {
      this.#log.warn({}, 'told twice to stop: ending at once')
      process.exit(code === 0 ? 1 : code)
    }
    this.#begun = true
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
    this.#shutDown().then(
      () => this.#exitCode.resolve(code),
      (error: unknown) => {
        this.#log.error({ reason: reasonOf(error) }, 'the daemon did not stop cleanly')
        this.#exitCode.resolve(1)
      },
    )
  }
}
