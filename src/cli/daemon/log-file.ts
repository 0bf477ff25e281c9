import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

/** One log file and one older one: at most twice this on disk. */
const LOG_MAX_BYTES: number = 8 * 1024 * 1024

/** A log file that never outgrows its bound; a disk that refuses a line costs that line only and is counted. */
export class LogFile {
  readonly #path: string
  #descriptor: number
  #bytes: number
  #lost = 0

  constructor(path: string) {
    this.#path = path
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#descriptor).size
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#lost
  }

  write(line: string): void {
    try {
      if (this.#bytes > LOG_MAX_BYTES) this.#rotate()
      this.#bytes += writeSync(this.#descriptor, line)
    } catch {
      // Nowhere left to say it: the log itself is what failed. The count is in `plexus status --json`.
      this.#lost++
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #rotate(): void {
    const older = `${this.#path}.1`
    rmSync(older, { force: true })
    renameSync(this.#path, older)
    // Opened before the old one is closed: lines must never go to a descriptor that has become somebody else's.
    const fresh = openSync(this.#path, 'a', 0o600)
    closeSync(this.#descriptor)
    this.#descriptor = fresh
    this.#bytes = 0
  }
}
