import {
  type Clock,
  type ComponentStatus,
  type Logger,
  PlexusError,
  type Random,
  reasonOf,
  type Timer,
  withDeadline,
} from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import { NodeError } from './errors.ts'
import { Restarts } from './restarts.ts'
import { route } from './router.ts'
import type { ComponentReport, NodeComponent } from './types.ts'

/** How long one component may take to start before that counts as a failure. */
export const START_TIMEOUT_MS = 10_000
/** How long one component may take to stop before the node goes on without it. */
export const STOP_TIMEOUT_MS = 4_000

const TRIED_AGAIN = 'Nothing, if the reason passes: it is tried again by itself. The log says more.'
/** For trouble of which a component says nothing more: nothing that is not well is shown without a reason and a fix. */
const UNSAID = { reason: 'it does not say why', fix: 'Read the log, or report it to whoever wrote the component.' }

export interface SupervisedInit {
  readonly component: NodeComponent
  /** The node goes on without it, and tries it again after a failure. */
  readonly optional: boolean
  /** Where its handlers are registered while it is up. */
  readonly bus?: Bus | undefined
}

export interface SupervisorComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface Cause {
  readonly reason: string
  readonly fix?: string | undefined
}

interface Failure extends Cause {
  /** Wall clock, as `nextAttemptAt`. */
  readonly since: number
  readonly nextAttemptAt?: number
}

/** One component of a node: its start, its handlers on the bus, its failures, its stop. */
export class Supervised {
  readonly #init: SupervisedInit
  readonly #use: SupervisorComponents
  readonly #restarts: Restarts
  readonly #ending = new AbortController()
  #phase: 'down' | 'starting' | 'up' = 'down'
  #since: number
  #failure: Failure | undefined
  #routes: Disposable | undefined
  #handlerFailures = 0
  #retry: Timer | undefined
  /** What is under way; never rejects. */
  #busy: Promise<void> = Promise.resolve()

  constructor(init: SupervisedInit, components: SupervisorComponents) {
    this.#init = init
    this.#use = components
    this.#restarts = new Restarts(components.random)
    this.#since = components.clock.now()
  }

  get name(): string {
    return this.#init.component.name
  }

  /** Rejects when a component that is not optional does not start. */
  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#busy = promise
    try {
      await this.#begin()
    } catch (error) {
      if (!this.#init.optional) throw error
      await this.#fail(causeOf(error))
    } finally {
      resolve()
    }
  }

  /** Looks how it is doing, and begins anew with an optional one that has failed. Returns why the node cannot go on. */
  look(): Cause | undefined {
    if (this.#phase !== 'up') return undefined
    const { state, reason = UNSAID.reason, fix } = this.#status()
    if (state !== 'failed') return undefined
    if (!this.#init.optional) return { reason, fix }
    this.#busy = this.#fail({ reason, fix })
    return undefined
  }

  /** Throws `ERR_COMPONENT_DOWN` unless it is up. */
  assertUp(): void {
    if (this.#phase === 'up') return
    const { reason, fix } = this.report()
    throw new NodeError('ERR_COMPONENT_DOWN', `${this.name} does not run${reason === undefined ? '' : `: ${reason}`}`, {
      fix,
    })
  }

  /** Breaks off a start under way, and tries no more. */
  giveUp(): void {
    this.#ending.abort(new NodeError('ERR_STOPPING', 'this peer is stopping'))
    this.#retry?.cancel()
  }

  /** In bounded time; never rejects. */
  async stop(): Promise<void> {
    this.giveUp()
    await this.#busy
    if (this.#phase !== 'down') await this.#end()
  }

  report(): ComponentReport {
    const status = this.#status()
    const handled = this.#init.component.handlers === undefined ? {} : { handlerFailures: this.#handlerFailures }
    return { name: this.name, ...status, figures: { ...status.figures, ...handled }, restarts: this.#restarts.total }
  }

  async #begin(): Promise<void> {
    const { component, bus } = this.#init
    const { clock } = this.#use
    const signal = this.#ending.signal
    const attempt = new AbortController()
    this.#phase = 'starting'
    try {
      signal.throwIfAborted()
      const starting = Promise.try(() => component.start?.({ signal: AbortSignal.any([signal, attempt.signal]) }))
      const what = `starting ${this.name}`
      await withDeadline(starting, { clock, timeoutMs: START_TIMEOUT_MS, what, signal })
      if (bus !== undefined && component.handlers !== undefined) {
        this.#routes = route(bus, component.handlers, (kind, error) => this.#onHandlerFailure(kind, error))
      }
    } catch (error) {
      attempt.abort(error)
      throw error
    }
    this.#phase = 'up'
    this.#since = clock.now()
    this.#failure = undefined
    this.#restarts.started(clock.monotonic())
  }

  /** Takes it down and sets the time of the next attempt. Never rejects. */
  async #fail({ reason, fix }: Cause): Promise<void> {
    const { clock, log } = this.#use
    this.#failure = { reason, fix, since: this.#failure?.since ?? clock.now() }
    await this.#end()
    if (this.#ending.signal.aborted) return
    const waitMs = this.#restarts.failed(clock.monotonic())
    this.#failure = { ...this.#failure, nextAttemptAt: clock.now() + waitMs }
    log.error({ component: this.name, reason, failures: this.#restarts.failures, waitMs }, 'a component failed')
    this.#retry = clock.setTimer(waitMs, () => void this.start())
  }

  /** Nothing reaches it any more, and it stops; what goes wrong then is logged. */
  async #end(): Promise<void> {
    const { clock, log } = this.#use
    this.#routes?.[Symbol.dispose]()
    this.#routes = undefined
    this.#phase = 'down'
    this.#since = clock.now()
    try {
      const stopping = Promise.try(() => this.#init.component.stop?.())
      await withDeadline(stopping, { clock, timeoutMs: STOP_TIMEOUT_MS, what: `stopping ${this.name}` })
    } catch (error) {
      log.error({ component: this.name, reason: reasonOf(error) }, 'a component did not stop cleanly')
    }
  }

  #onHandlerFailure(kind: string, error: unknown): void {
    this.#handlerFailures++
    this.#use.log.warn({ component: this.name, kind, reason: reasonOf(error) }, 'a handler failed')
  }

  #status(): ComponentStatus {
    const since = this.#since
    if (this.#failure !== undefined) {
      const { reason, fix = TRIED_AGAIN } = this.#failure
      return { state: 'failed', reason: `${reason}; ${this.#outlook()}`, since: this.#failure.since, fix }
    }
    if (this.#phase !== 'up') return { state: this.#phase === 'down' ? 'stopped' : 'starting', since }
    try {
      const { state = 'ok', ...said } = this.#init.component.status?.() ?? {}
      const isTrouble = state === 'degraded' || state === 'failed'
      return { since, ...(isTrouble ? UNSAID : {}), ...said, state }
    } catch (error) {
      const reason = `its status cannot be read: ${reasonOf(error)}`
      return { state: 'degraded', reason, since, fix: 'A mistake in the component: report it to whoever wrote it.' }
    }
  }

  #outlook(): string {
    const { failures } = this.#restarts
    const times = failures === 1 ? 'failed once' : `failed ${failures} times`
    const next = this.#failure?.nextAttemptAt
    if (this.#phase === 'starting') return `${times}, being tried again`
    return next === undefined ? 'it is being stopped' : `${times}, next attempt at ${new Date(next).toISOString()}`
  }
}

function causeOf(error: unknown): Cause {
  return { reason: reasonOf(error), fix: error instanceof PlexusError ? error.fix : undefined }
}
