import { type Logger, reasonOf } from '../../base/index.ts'
import { EXIT } from '../errors.ts'

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

  begin(code: number = EXIT.ok): void {
    if (this.#begun) {
      this.#log.warn({}, 'told twice to stop: the daemon ends at once')
      process.exit(EXIT.forced)
    }
    this.#begun = true
    this.#log.info({}, 'the daemon is stopping')
    setTimeout(() => process.exit(EXIT.failed), STOP_DEADLINE_MS).unref()
    this.#shutDown().then(
      () => this.#exitCode.resolve(code),
      (error: unknown) => {
        this.#log.error({ reason: reasonOf(error) }, 'the daemon did not stop cleanly')
        this.#exitCode.resolve(EXIT.failed)
      },
    )
  }
}
