import {
  type Clock,
  type Component,
  type ComponentStatus,
  jitter,
  type Logger,
  type Random,
  reasonOf,
  type SpaceId,
  type Timer,
} from '../../base/index.ts'
import { isAtLeast } from '../roles.ts'
import type { KeysDue, SpaceInfo, Spaces } from '../types.ts'

/** How often the keys of our spaces are looked at. */
const LOOK_INTERVAL_MS = 5_000
/** After the start we may lack what others have done long ago. */
export const RENEWAL_PATIENCE_MS = 30_000
/** The most senior device acts after about so long, and each that comes after it so much later: others need not act then. */
export const RENEWAL_DELAY_MS = 2_000
export const RENEWAL_STEP_MS = 15_000
const RENEWAL_STEPS_MAX = 40
/** Somebody else holds the key that we lack, and may be about to give it to us. */
const STUCK_DELAY_MS = 60_000
/** Whatever others do, we write keys of a space at most so often. */
const RENEWAL_PAUSE_MS = 60_000

export interface KeyRenewalComponents {
  readonly spaces: Pick<Spaces, 'list' | 'keys' | 'renewKeys'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

interface Plan {
  readonly due: KeysDue
  /** Monotonic. */
  readonly at: number
}

/**
 * Does for the keys of our spaces what was not done in the commit that made it necessary: because whoever left could not do it,
 * because two acted at once, or because time has passed. Of those who may, the most senior that is online does it.
 */
export class KeyRenewal implements Component {
  readonly name = 'keys'
  readonly #use: KeyRenewalComponents
  readonly #plans = new Map<SpaceId, Plan>()
  readonly #lastAt = new Map<SpaceId, number>()
  #timer: Timer | undefined
  #startedAt = 0
  #since: number
  #renewed = 0
  #failure: string | undefined

  constructor(components: KeyRenewalComponents) {
    this.#use = components
    this.#since = components.clock.now()
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return
    const { clock } = this.#use
    this.#startedAt = clock.monotonic()
    this.#since = clock.now()
    this.#look()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#plans.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  status(): ComponentStatus {
    const figures = { renewed: this.#renewed }
    if (this.#timer === undefined) return { state: 'stopped', since: this.#since, figures }
    if (this.#failure === undefined) return { state: 'ok', since: this.#since, figures }
    const reason = `keys of a space could not be renewed: ${this.#failure}`
    return { state: 'degraded', since: this.#since, reason, fix: 'Let `plexus doctor` look at the store.', figures }
  }

  #look(): void {
    const { spaces, clock, random } = this.#use
    const all = spaces.list()
    // What failed has been done by somebody else, or is not needed any more.
    if (all.every(({ id }) => spaces.keys(id)?.due === undefined)) this.#recovered()
    for (const space of all) if (this.#isTime(space)) void this.#renew(space.id)
    this.#timer = clock.setTimer(jitter(random, LOOK_INTERVAL_MS), () => this.#look())
  }

  #isTime(space: SpaceInfo): boolean {
    const due = this.#use.spaces.keys(space.id)?.due
    const now = this.#use.clock.monotonic()
    const plan = this.#plans.get(space.id)
    if (due === undefined) this.#plans.delete(space.id)
    else if (plan?.due !== due) this.#plans.set(space.id, { due, at: this.#planned(space, due, now) })
    else if (now >= plan.at) return this.#plans.delete(space.id)
    return false
  }

  #planned(space: SpaceInfo, due: KeysDue, now: number): number {
    const { random } = this.#use
    const mayAct = due === 'epoch' || due === 'stuck' ? 'admin' : 'reader'
    const peers = space.members.filter(({ role }) => isAtLeast(role, mayAct)).map(({ peer }) => peer)
    const rank = Math.max(0, space.self === undefined ? 0 : peers.indexOf(space.self.peer))
    const steps = Math.min(rank, RENEWAL_STEPS_MAX) * RENEWAL_STEP_MS
    const delay = jitter(random, RENEWAL_DELAY_MS + steps + (due === 'stuck' ? STUCK_DELAY_MS : 0))
    const patience = space.members.length > 1 ? this.#startedAt + RENEWAL_PATIENCE_MS : now
    const pause = (this.#lastAt.get(space.id) ?? Number.NEGATIVE_INFINITY) + RENEWAL_PAUSE_MS
    return Math.max(now, patience, pause) + delay
  }

  #recovered(): void {
    if (this.#failure !== undefined) this.#since = this.#use.clock.now()
    this.#failure = undefined
  }

  async #renew(space: SpaceId): Promise<void> {
    const { spaces, clock, log } = this.#use
    this.#lastAt.set(space, clock.monotonic())
    try {
      const due = await spaces.renewKeys(space)
      if (due === undefined) return
      this.#renewed++
      this.#recovered()
      log.info({ space, due }, 'the keys of a space were renewed')
    } catch (error) {
      if (this.#failure === undefined) this.#since = clock.now()
      this.#failure = reasonOf(error)
      log.warn({ space, reason: this.#failure }, 'the keys of a space could not be renewed')
    }
  }
}
