import { type Clock, type Component, type ComponentState, type ComponentStatus, reasonOf } from '../base/index.ts'
import type { Journal } from '../records/index.ts'
import type { Searcher } from '../store/index.ts'

export interface StoreWatchInit {
  /** The files that this process owns and nothing may take away or replace while it runs. */
  readonly files: readonly string[]
  /** Which file lies at a path now; `undefined` for none. */
  readonly markOf: (path: string) => string | undefined
  /** What else is not as it should be, e.g. a space that is full. */
  readonly trouble?: () => { readonly reason: string; readonly fix: string } | undefined
  /** What was found to be damaged, if anything. */
  readonly damage: () => string | undefined
}

export interface StoreWatchComponents {
  readonly journal: Journal
  readonly searcher: Pick<Searcher, 'figures'>
  readonly clock: Clock
}

/**
 * What everything else stands on: the files of the profile. Who works on after they were removed or replaced writes what nobody
 * will read, and a second process that starts on the new ones is the same device twice. So this component fails then, and
 * is not optional. It also shows what the journal and the searcher count.
 */
export class StoreWatch implements Component {
  readonly name = 'store'
  readonly #init: StoreWatchInit
  readonly #use: StoreWatchComponents
  #marks: ReadonlyMap<string, string | undefined> | undefined
  #state: ComponentState = 'stopped'
  #since: number

  constructor(init: StoreWatchInit, components: StoreWatchComponents) {
    this.#init = init
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    const { files, markOf } = this.#init
    this.#marks ??= new Map(files.map((path) => [path, markOf(path)]))
  }

  async stop(): Promise<void> {
    this.#marks = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const { journal, searcher } = this.#use
    const { state, ...trouble } = this.#look()
    if (state !== this.#state) this.#since = this.#use.clock.now()
    this.#state = state
    return { state, since: this.#since, ...trouble, figures: { ...journal.figures(), ...searcher.figures() } }
  }

  #look(): Pick<ComponentStatus, 'state' | 'reason' | 'fix'> {
    if (this.#marks === undefined) return { state: 'stopped' }
    const damage = this.#init.damage()
    if (damage !== undefined) {
      const fix =
        'Start it again with `plexus up`: what is sound goes into a new database, the rest comes back from other members.'
      return { state: 'failed', reason: damage, fix }
    }
    try {
      const gone = [...this.#marks].find(([path, mark]) => this.#init.markOf(path) !== mark)?.[0]
      const trouble = this.#init.trouble?.()
      if (gone === undefined) return trouble === undefined ? { state: 'ok' } : { state: 'degraded', ...trouble }
      const reason = `${gone} was removed or replaced while this peer ran`
      const fix = 'Put the data folder back, or start anew in an empty one. Never touch it while the peer runs.'
      return { state: 'failed', reason, fix }
    } catch (error) {
      return {
        state: 'degraded',
        reason: reasonOf(error),
        fix: 'Let `plexus doctor` look at the data folder and the disk.',
      }
    }
  }
}
