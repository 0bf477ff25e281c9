import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const LISTENING = /Listening for client connections on (127\.0\.0\.1:\d+)/
const START_TIMEOUT_MS = 10_000
/** Ticks of /proc/PID/stat per second, on every Linux of today (sysconf _SC_CLK_TCK). */
const TICKS_PER_SECOND = 100

/** The reference that is no peer-to-peer network: all goes through this one process. */
export class NatsServer implements AsyncDisposable {
  readonly address: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: string) {
    this.#child = child
    this.address = address
  }

  /** `undefined` when there is no `nats-server` on this machine. */
  static async start(): Promise<NatsServer | undefined> {
    const child = spawn('nats-server', ['--addr', '127.0.0.1', '--port', '-1'], { stdio: ['ignore', 'ignore', 'pipe'] })
    try {
      await once(child, 'spawn')
    } catch {
      return undefined
    }
    const timer = setTimeout(() => child.kill(), START_TIMEOUT_MS)
    for await (const line of createInterface({ input: child.stderr })) {
      const address = LISTENING.exec(line)?.[1]
      if (address === undefined) continue
      clearTimeout(timer)
      child.stderr.resume()
      return new NatsServer(child, address)
    }
    throw new Error('nats-server ended before it listened')
  }

  /** CPU time so far, user and system, in microseconds; NaN where /proc is not to be had. */
  usage(): number {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
      // The second field is a name in parentheses; utime and stime are the 14th and 15th (proc_pid_stat(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6
    } catch {
      return Number.NaN
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }
}
