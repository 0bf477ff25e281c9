import { type Clock, type Component, type ComponentStatus, type Logger, reasonOf, withDeadline } from '../base/index.ts'
import type { ComponentReport } from './types.ts'

/** How long one component may take to stop before the node goes on without it. */
export const STOP_TIMEOUT_MS = 4_000

interface Failure {
  readonly reason: string
  readonly since: number
}

/**
 * Starts components in the order given and stops them in reverse. A component that may fail without the node being
 * useless (`optional`) is reported as failed and the rest goes on.
 */
export class Startup {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #running: Component[] = []
  readonly #failed = new Map<Component, Failure>()

  constructor(components: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = components.clock
    this.#log = components.log
  }

  async start(component: Component, options: { readonly optional: boolean }): Promise<void> {
    try {
      await component.start()
    } catch (error) {
      if (!options.optional) throw error
      this.#log.error({ component: component.name, reason: reasonOf(error) }, 'a component did not start')
      this.#failed.set(component, { reason: reasonOf(error), since: this.#clock.now() })
    }
    this.#running.push(component)
  }

  /** Every step has a deadline; a step that fails is logged and the next one is taken. */
  async stop(): Promise<void> {
    for (const component of this.#running.splice(0).reverse()) {
      try {
        const what = `stopping ${component.name}`
        await withDeadline(component.stop(), { clock: this.#clock, timeoutMs: STOP_TIMEOUT_MS, what })
      } catch (error) {
        this.#log.error({ component: component.name, reason: reasonOf(error) }, 'a component did not stop cleanly')
      }
    }
  }

  reports(): readonly ComponentReport[] {
    return this.#running.map((component) => ({ name: component.name, ...this.#statusOf(component) }))
  }

  #statusOf(component: Component): ComponentStatus {
    const failure = this.#failed.get(component)
    if (failure !== undefined)
      return { state: 'failed', ...failure, fix: 'Restart with `plexus down` and `plexus up`; the log says more.' }
    try {
      return component.status()
    } catch (error) {
      return {
        state: 'failed',
        reason: `its status cannot be read: ${reasonOf(error)}`,
        since: this.#clock.now(),
        fix: 'Report this as a mistake in Plexus.',
      }
    }
  }
}
