import { BusError } from './errors.ts'
import { assertKind } from './topics.ts'

/** Who takes care of which kind: one handler each. */
export class KindTable<Handler> {
  readonly #verb: string
  readonly #byKind = new Map<string, { readonly handler: Handler }>()

  /** `verb` says what a handler does with a kind, e.g. `answers`. */
  constructor(verb: string) {
    this.#verb = verb
  }

  get(kind: string): Handler | undefined {
    return this.#byKind.get(kind)?.handler
  }

  /** Until disposed. Throws `ERR_KIND_INVALID`, `ERR_KIND_TAKEN`. */
  add(kind: string, handler: Handler): Disposable {
    assertKind(kind)
    if (this.#byKind.has(kind)) {
      throw new BusError('ERR_KIND_TAKEN', `something ${this.#verb} "${kind}" already`, {
        fix: 'Dispose the other one first, or use a kind of your own.',
      })
    }
    const own = { handler }
    this.#byKind.set(kind, own)
    return {
      [Symbol.dispose]: () => {
        if (this.#byKind.get(kind) === own) this.#byKind.delete(kind)
      },
    }
  }
}
