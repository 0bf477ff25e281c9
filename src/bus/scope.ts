import type { PeerId } from '../base/index.ts'
import { SendWindow } from './credit.ts'
import type { BusError } from './errors.ts'
import { STREAM_WINDOW_BYTES } from './limits.ts'
import type { Message, RequestContext } from './types.ts'

/** One request that is being answered. Its signal is made only when somebody asks for it: most responders do not. */
export class Scope implements RequestContext {
  readonly from: PeerId
  readonly trace: string
  /** It may be asked again on other lanes: losing these does not end it. */
  readonly survives: boolean
  /** Monotonic ms. */
  deadline: number
  /** Only answers that come in parts have one. */
  #window: SendWindow | undefined
  #controller: AbortController | undefined
  #reason: BusError | undefined
  #wake: (() => void) | undefined

  constructor({ from, trace }: Message, deadline: number, survives = false) {
    this.from = from
    this.trace = trace
    this.deadline = deadline
    this.survives = survives
  }

  get isAborted(): boolean {
    return this.#reason !== undefined
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: BusError): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#wake?.()
  }

  grant(bytes: number): boolean {
    const honest = this.#window?.grant(bytes) ?? false
    this.#wake?.()
    return honest
  }

  /** Waits until the asker has room for so many bytes. Rejects once the request is over. */
  async spend(bytes: number): Promise<void> {
    this.#window ??= new SendWindow({ windowBytes: STREAM_WINDOW_BYTES })
    while (this.#reason === undefined && !this.#window.allows(bytes)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#reason !== undefined) throw this.#reason
    this.#window.spend(bytes)
  }
}
