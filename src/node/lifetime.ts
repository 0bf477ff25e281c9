import { type Logger, type PlexusError, reasonOf } from '../base/index.ts'

/** What has to be released when a node ends, in reverse order, and its end: once, whoever asks for it. */
export class Lifetime {
  readonly resources: AsyncDisposableStack = new AsyncDisposableStack()
  readonly #log: Logger
  readonly #ended = Promise.withResolvers<PlexusError | undefined>()
  #ending: Promise<void> | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  get isEnding(): boolean {
    return this.#ending !== undefined
  }

  /** Settles when all is released, with the error that brought the end about, if one did. */
  get ended(): Promise<PlexusError | undefined> {
    return this.#ended.promise
  }

  /** Never rejects: what could not be released is logged. */
  end(cause?: PlexusError): Promise<void> {
    this.#ending ??= this.#end(cause)
    return this.#ending
  }

  async #end(cause: PlexusError | undefined): Promise<void> {
    try {
      await this.resources.disposeAsync()
    } catch (error) {
      this.#log.error({ reason: reasonOf(error) }, 'the peer did not end cleanly')
    }
    this.#ended.resolve(cause)
  }
}
