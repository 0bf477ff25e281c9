import { SEQUENCE_WINDOW } from '../limits.ts'

/**
 * Which numbers have come, in constant memory: everything up to a floor counts as come, and above it they are kept one by one.
 * The floor follows the highest at a distance of `SEQUENCE_WINDOW`; what is older than that is never taken again.
 */
export class SequenceWindow {
  #floor = 0
  #highest = 0
  readonly #above = new Set<number>()

  get highest(): number {
    return this.#highest
  }

  has(number: number): boolean {
    return number <= this.#floor || this.#above.has(number)
  }

  add(number: number): void {
    if (this.has(number)) return
    this.#above.add(number)
    this.#highest = Math.max(this.#highest, number)
    while (this.#above.delete(this.#floor + 1)) this.#floor++
    if (this.#highest - this.#floor <= SEQUENCE_WINDOW) return
    this.#floor = this.#highest - SEQUENCE_WINDOW
    for (const one of this.#above) if (one <= this.#floor) this.#above.delete(one)
    while (this.#above.delete(this.#floor + 1)) this.#floor++
  }
}
