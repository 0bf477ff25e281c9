/** The newest items, at most `capacity`: the oldest makes room. Readers keep their own place, so that a slow one costs nothing. */
export class Ring<T> {
  readonly #capacity: number
  readonly #items: T[] = []
  /** Where in `#items` the oldest lies, once it is full. */
  #start = 0
  #pushed = 0

  constructor(init: { readonly capacity: number }) {
    this.#capacity = init.capacity
  }

  /** Items ever pushed: the place behind the newest. */
  get end(): number {
    return this.#pushed
  }

  /** The place of the oldest that is still here. */
  get begin(): number {
    return this.#pushed - this.#items.length
  }

  push(item: T): void {
    this.#pushed++
    if (this.#items.length < this.#capacity) {
      this.#items.push(item)
      return
    }
    this.#items[this.#start] = item
    this.#start = (this.#start + 1) % this.#capacity
  }

  /** The item at a place between `begin` and `end`. */
  at(place: number): T | undefined {
    if (place < this.begin || place >= this.#pushed) return undefined
    return this.#items[(this.#start + place - this.begin) % this.#items.length]
  }
}
