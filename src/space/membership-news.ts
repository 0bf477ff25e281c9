import type { Events, SpaceId } from '../base/index.ts'
import type { SpaceState } from './space-state.ts'
import type { SpaceEvents } from './types.ts'

/** Tells of spaces whose membership is another than before the turn: after it, because control records come inside a transaction of the store. */
export class MembershipNews {
  readonly #events: Events<SpaceEvents>
  readonly #stateOf: (space: SpaceId) => SpaceState | undefined
  /** Spaces whose control records changed in this turn, with what their membership was before it. */
  readonly #changed = new Map<SpaceId, string | undefined>()

  constructor(events: Events<SpaceEvents>, stateOf: (space: SpaceId) => SpaceState | undefined) {
    this.#events = events
    this.#stateOf = stateOf
  }

  /** Control records change now; `before` is the state until then. */
  note(space: SpaceId, before: SpaceState | undefined): void {
    if (this.#changed.size === 0) queueMicrotask(() => this.#announce())
    if (!this.#changed.has(space)) this.#changed.set(space, before === undefined ? undefined : summaryOf(before))
  }

  forget(): void {
    this.#changed.clear()
  }

  #announce(): void {
    const changes = [...this.#changed]
    this.#changed.clear()
    for (const [space, before] of changes) {
      const state = this.#stateOf(space)
      if (state === undefined) continue
      if (before === undefined) this.#events.emit('space:added', { space })
      if (before !== summaryOf(state)) this.#events.emit('members:changed', { space })
    }
  }
}

/** What listeners of `members:changed` can see of a membership. */
function summaryOf(state: SpaceState): string {
  const lines = [...state.membership.members.values()].map(({ peer, role, level, name }) => [peer, role, level, name])
  return JSON.stringify(lines)
}
