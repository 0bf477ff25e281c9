import type { PeerId } from '../base/index.ts'
import type { RecordPlace } from '../records/index.ts'
import { PLAIN_MARK, placeOfKey } from './rules.ts'

/** What changed in the rules of a space since the store last asked. */
export class RuleNews {
  #marks: ReadonlyMap<PeerId, string> = new Map()
  #erased: ReadonlySet<string> = new Set()
  /** Answered to be erased since the store last asked. */
  #answered = new Set<string>()
  /** All that was ever told: after a rollback the store has not done what it was told last. */
  readonly #told = new Set<PeerId>()
  readonly #everErased = new Set<string>()
  #isAnew = true
  #isErasedAnew = true

  /** `before` kept the news of a state that no longer holds. */
  constructor(before?: RuleNews) {
    if (before === undefined) return
    this.#marks = before.#marks
    this.#told = before.#told
    this.#everErased = before.#everErased
  }

  takeRules(marks: ReadonlyMap<PeerId, string>): ReadonlySet<PeerId> {
    const changed = new Set(this.#isAnew ? this.#told : [])
    for (const [peer, mark] of marks) {
      // A member like most has no rule: at the start there is nothing to do for it.
      const known = this.#marks.get(peer) ?? (this.#isAnew ? PLAIN_MARK : undefined)
      if (known !== mark) changed.add(peer)
    }
    for (const peer of this.#marks.keys()) if (!marks.has(peer)) changed.add(peer)
    this.#marks = marks
    this.#isAnew = false
    for (const peer of changed) this.#told.add(peer)
    return changed
  }

  /** The store may have acted on the answer that a place is erased. */
  noteErased(key: string): void {
    if (this.#everErased.has(key) && this.#erased.has(key)) return
    this.#everErased.add(key)
    this.#answered.add(key)
  }

  /** Places that are erased since the store last asked, and those that are no longer. */
  takeErased(erased: ReadonlySet<string>): readonly RecordPlace[] {
    const before = this.#isErasedAnew ? this.#everErased : this.#erased.union(this.#answered)
    const changed = erased.difference(this.#erased).union(before.difference(erased))
    for (const key of changed) this.#everErased.add(key)
    this.#erased = erased
    this.#answered = new Set()
    this.#isErasedAnew = false
    return [...changed].map(placeOfKey)
  }
}
