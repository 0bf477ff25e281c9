import type { PlexusError } from '../base/index.ts'

/** What has to be released when a node ends, in reverse order, and its end: once, whoever asks for it. */
export class Lifetime {
  readonly resources: AsyncDisposableStack = new AsyncDisposableStack()
  readonly #ended = Promise.withResolvers<PlexusError | undefined>()
  #ending: Promise<void> | undefined

  get isEnding(): boolean {
    return this.#ending !== undefined
  }

  /** Settles when all is released, with the error that brought the end about, if one did. */
  get ended(): Promise<PlexusError | undefined> {
    return this.#ended.promise
  }

  end(cause?: PlexusError): Promise<void> {
    this.#ending ??= this.resources.disposeAsync().finally(() => this.#ended.resolve(cause))
    return this.#ending
  }
}
