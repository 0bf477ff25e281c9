import { whenAborted } from './abort.ts'
import { reasonOf } from './errors.ts'
import type { Logger } from './logger.ts'

type Listener<T> = (detail: T) => unknown
const NOBODY: ReadonlySet<Listener<never>> = new Set()

/**
 * Facts that a component tells whoever listens; names are `noun:verb`.
 * A listener that throws is logged and hurts neither the emitter nor the other listeners.
 */
export class Events<Map extends object> {
  readonly #listeners = new globalThis.Map<keyof Map, Set<Listener<never>>>()
  readonly #watchers = new Set<(name: string, detail: unknown) => void>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  on<Name extends keyof Map>(name: Name, listener: (detail: Map[Name]) => void): Disposable {
    let set = this.#listeners.get(name)
    if (set === undefined) {
      set = new Set()
      this.#listeners.set(name, set)
    }
    // A fresh function per call, so that one listener may be added twice and each removal removes one.
    const own: Listener<Map[Name]> = (detail) => listener(detail)
    set.add(own)
    return { [Symbol.dispose]: () => void set.delete(own) }
  }

  /** Every event there is, also those added later: for a log of them. Watchers come after the listeners. */
  onAny(watcher: (name: string, detail: unknown) => void): Disposable {
    const own: typeof watcher = (name, detail) => watcher(name, detail)
    this.#watchers.add(own)
    return { [Symbol.dispose]: () => void this.#watchers.delete(own) }
  }

  /** Resolves with the next event that `matches`; rejects with the signal's reason. */
  async next<Name extends keyof Map>(
    name: Name,
    options: { readonly signal: AbortSignal; readonly matches?: (detail: Map[Name]) => boolean },
  ): Promise<Map[Name]> {
    const { promise, resolve, reject } = Promise.withResolvers<Map[Name]>()
    using _subscription = this.on(name, (detail) => {
      if (options.matches?.(detail) ?? true) resolve(detail)
    })
    using _abort = whenAborted(options.signal, reject)
    return await promise
  }

  emit<Name extends keyof Map>(name: Name, detail: Map[Name]): void {
    const set = this.#listeners.get(name) ?? NOBODY
    if (set.size + this.#watchers.size === 0) return
    const report = (error: unknown): void =>
      this.#log.error({ event: String(name), reason: reasonOf(error) }, 'an event listener threw')
    for (const listener of [...set]) {
      if (!set.has(listener)) continue // removed by a listener before it
      try {
        const result = (listener as Listener<Map[Name]>)(detail)
        if (result instanceof Promise) result.catch(report)
      } catch (error) {
        report(error)
      }
    }
    for (const watcher of this.#watchers) {
      try {
        watcher(String(name), detail)
      } catch (error) {
        report(error)
      }
    }
  }
}
