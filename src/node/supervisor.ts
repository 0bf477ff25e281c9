import type { Timer } from '../base/index.ts'
import { NodeError } from './errors.ts'
import { type Cause, Supervised, type SupervisedInit, type SupervisorComponents } from './supervised.ts'
import type { ComponentReport } from './types.ts'

/** How often every component is asked how it is doing. */
export const LOOK_INTERVAL_MS = 10_000

export interface SupervisorInit {
  /** A component without which there is no node has failed. Called once. */
  readonly onLost: (component: string, cause: Cause) => void
}

/**
 * Starts components in the order given and stops them in reverse, each within a deadline. One that the node can do without is
 * stopped and started again when it fails, later and later, and hurts nobody else.
 */
export class Supervisor {
  readonly #init: SupervisorInit
  readonly #use: SupervisorComponents
  readonly #all: Supervised[] = []
  #started = 0
  #look: Timer | undefined
  #stopping: Promise<void> | undefined

  constructor(init: SupervisorInit, components: SupervisorComponents) {
    this.#init = init
    this.#use = components
  }

  /** Takes a component on; the next `start` starts it, after those before it. */
  add(init: SupervisedInit): Supervised {
    const { name } = init.component
    if (this.#all.some((other) => other.name === name)) {
      throw new NodeError('ERR_COMPONENT_INVALID', `two components are called ${JSON.stringify(name)}`, {
        fix: 'Give each a name of its own.',
      })
    }
    const supervised = new Supervised(init, this.#use)
    this.#all.push(supervised)
    return supervised
  }

  /** Starts what was added since the last time. Rejects with what kept a component from starting that is not optional. */
  async start(): Promise<void> {
    if (this.#look === undefined) this.#armLook()
    for (const supervised of this.#all.slice(this.#started)) {
      if (this.#stopping !== undefined) throw new NodeError('ERR_STOPPING', 'this peer was stopped while it started')
      this.#started++
      await supervised.start()
    }
  }

  /** What fails or hangs on the way is logged, and the next one is stopped. Never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  reports(): readonly ComponentReport[] {
    return this.#all.map((supervised) => supervised.report())
  }

  async #stop(): Promise<void> {
    this.#look?.cancel()
    for (const supervised of this.#all) supervised.giveUp()
    for (const supervised of this.#all.toReversed()) await supervised.stop()
  }

  #armLook(): void {
    this.#look = this.#use.clock.setTimer(LOOK_INTERVAL_MS, () => {
      for (const supervised of this.#all) {
        const cause = supervised.look()
        if (cause === undefined) continue
        return this.#init.onLost(supervised.name, cause)
      }
      this.#armLook()
    })
  }
}
