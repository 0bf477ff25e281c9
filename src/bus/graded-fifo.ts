import { Fifo } from './fifo.ts'
import { PRIORITIES, type Priority } from './types.ts'

/** 0 is the most urgent. */
export const GRADE_OF: Readonly<Record<Priority, number>> = { critical: 0, high: 1, normal: 2, low: 3 }

/** How many of each priority are taken while others wait: nobody starves, and who comes seldom is served at once. */
const TURNS: readonly number[] = [16, 8, 4, 1]

/** Queues of four priorities, served by weight; each is first in, first out. Bounded by whoever fills it. */
export class GradedFifo<T> {
  readonly #grades: readonly Fifo<T>[] = PRIORITIES.map(() => new Fifo<T>())
  readonly #turns: number[] = [...TURNS]
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The grade of the least urgent that waits; -1 when nothing does. */
  get leastUrgent(): number {
    return this.#grades.findLastIndex(({ size }) => size > 0)
  }

  push(grade: number, item: T): void {
    this.#grades[grade]?.push(item)
    this.#size++
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined
    for (;;) {
      for (let grade = 0; grade < TURNS.length; grade++) {
        const turns = this.#turns[grade] ?? 0
        if (turns === 0 || this.#grades[grade]?.size === 0) continue
        this.#turns[grade] = turns - 1
        return this.shiftOf(grade)
      }
      for (const [grade, turns] of TURNS.entries()) this.#turns[grade] = turns
    }
  }

  peekOf(grade: number): T | undefined {
    return this.#grades[grade]?.peek()
  }

  /** The oldest of one grade, whoever's turn it is. */
  shiftOf(grade: number): T | undefined {
    const queue = this.#grades[grade]
    if (queue === undefined || queue.size === 0) return undefined
    this.#size--
    return queue.shift()
  }

  /** The newest of one grade. */
  popOf(grade: number): T | undefined {
    const queue = this.#grades[grade]
    if (queue === undefined || queue.size === 0) return undefined
    this.#size--
    return queue.pop()
  }

  clear(): void {
    for (const queue of this.#grades) queue.clear()
    this.#size = 0
  }
}
