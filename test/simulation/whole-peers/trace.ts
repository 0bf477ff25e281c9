import { createHash, type Hash } from 'node:crypto'

/** The last lines that a report of a failure shows. */
const TAIL_LINES = 40

/** What happened, line by line; its hash tells whether two runs were the same. */
export class Trace {
  readonly #hash: Hash = createHash('sha256')
  readonly #now: () => number
  readonly #kept: string[] = []
  readonly #keepsAll: boolean
  #lines = 0

  constructor(now: () => number, keepsAll: boolean) {
    this.#now = now
    this.#keepsAll = keepsAll
  }

  note(what: string): void {
    const line = `${this.#now().toFixed(3)} ${what}`
    this.#hash.update(line).update('\n')
    this.#lines++
    this.#kept.push(line)
    if (!this.#keepsAll && this.#kept.length > 4 * TAIL_LINES) this.#kept.splice(0, this.#kept.length - TAIL_LINES)
  }

  /** Of everything up to now, 16 hexadecimal digits. */
  get digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16)
  }

  get length(): number {
    return this.#lines
  }

  /** Everything if all is kept, else the end of it. */
  lines(): readonly string[] {
    return this.#keepsAll ? this.#kept : this.#kept.slice(-TAIL_LINES)
  }

  tail(): readonly string[] {
    return this.#kept.slice(-TAIL_LINES)
  }
}
