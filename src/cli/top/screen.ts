import { writeSync } from 'node:fs'

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
/** Terminals that know it show the frame as a whole; others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h\u001b[H'
const END_FRAME = '\u001b[J\u001b[?2026l'
const END_LINE = '\u001b[K'
const STDOUT = 1
/** By then a process that was told to sleep does. */
const ASLEEP_MS = 50
const CTRL_C = '\u0003'
const CTRL_Z = '\u001a'
const ENDING_SIGNALS = { SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const

export interface ScreenInit {
  readonly onKey: (key: string) => void
  readonly onResize: () => void
  /** `q` is an ordinary key; this is Ctrl-C, or a terminal that has gone. */
  readonly onQuit: () => void
}

/**
 * The whole terminal, given back as it was found, whatever ends this process: disposal, a signal, an exception that nobody
 * caught, Ctrl-Z for a while. Only SIGKILL cannot be met.
 */
export class Screen implements Disposable {
  readonly #undo = new DisposableStack()
  readonly #init: ScreenInit
  #isOpen = false

  constructor(init: ScreenInit) {
    this.#init = init
    this.#open()
    this.#on(process, 'exit', () => this.#close())
    // Before the exception is printed: on the other screen nobody would see it.
    this.#on(process, 'uncaughtExceptionMonitor', () => this.#close())
    for (const [signal, code] of Object.entries(ENDING_SIGNALS)) this.#on(process, signal, () => process.exit(code))
    this.#on(process, 'SIGCONT', () => this.#resume())
    this.#on(process.stdout, 'resize', () => init.onResize())
    if (process.stdin.isTTY) this.#readKeys()
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }
  }

  /** A terminal that still has the last frame to show does not get another. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen || process.stdout.writableNeedDrain) return
    process.stdout.write(`${BEGIN_FRAME}${lines.map((line) => line + END_LINE).join('\r\n')}${END_FRAME}`)
  }

  [Symbol.dispose](): void {
    this.#close()
    this.#undo.dispose()
  }

  #readKeys(): void {
    const { stdin } = process
    stdin.setEncoding('utf8')
    this.#on(stdin, 'data', (data: unknown) => {
      const keys = String(data)
      if (keys.includes(CTRL_C)) this.#init.onQuit()
      else if (keys.includes(CTRL_Z)) this.#pause()
      else for (const key of keys) this.#init.onKey(key)
    })
    this.#on(stdin, 'end', () => this.#init.onQuit())
    this.#on(stdin, 'error', () => this.#init.onQuit())
    this.#undo.defer(() => stdin.pause())
    stdin.resume()
  }

  /** As the shell's Ctrl-Z would. Where no shell could wake us, the system does not let us sleep, and we go on at once. */
  #pause(): void {
    this.#close()
    process.kill(process.pid, 'SIGTSTP')
    setTimeout(() => this.#resume(), ASLEEP_MS)
  }

  #resume(): void {
    if (this.#undo.disposed) return
    this.#open()
    this.#init.onResize()
  }

  #open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    if (process.stdin.isTTY) process.stdin.setRawMode(true)
    write(ENTER)
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    write(LEAVE)
    if (process.stdin.isTTY) process.stdin.setRawMode(false)
  }

  #on(emitter: NodeJS.EventEmitter, event: string, listener: (...args: unknown[]) => void): void {
    emitter.on(event, listener)
    this.#undo.defer(() => emitter.removeListener(event, listener))
  }
}

/** At once: this process may be about to end. */
function write(text: string): void {
  try {
    writeSync(STDOUT, text)
  } catch {
    // The terminal has gone, and with it what there was to restore.
  }
}
