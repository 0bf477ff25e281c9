import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { SpaceId } from '../../../src/base/index.ts'

/** A founder of a space in a process of its own; see founder.ts. */
export class Founder implements AsyncDisposable {
  readonly space: SpaceId
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(child: ChildProcess, answers: AsyncIterator<string>, space: SpaceId) {
    this.#child = child
    this.#answers = answers
    this.space = space
  }

  static async start(folder: string, records: number): Promise<Founder> {
    const script = new URL('founder.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [script, folder, String(records)], { stdio: ['pipe', 'pipe', 'inherit'] })
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { space } = await answerOf<{ space: SpaceId }>(answers)
    return new Founder(child, answers, space)
  }

  async ticket(ttlMs = 60_000): Promise<string> {
    return (await this.#ask<{ ticket: string }>(`ticket ${ttlMs}`)).ticket
  }

  async append(records: number): Promise<void> {
    await this.#ask(`append ${records}`)
  }

  async figures(): Promise<Readonly<Record<string, number>>> {
    return (await this.#ask<{ figures: Readonly<Record<string, number>> }>('figures')).figures
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined
    this.#child.stdin?.end()
    await ended
  }

  async #ask<T>(command: string): Promise<T> {
    this.#child.stdin?.write(`${command}\n`)
    return answerOf<T>(this.#answers)
  }
}

async function answerOf<T>(answers: AsyncIterator<string>): Promise<T> {
  const { value, done } = await answers.next()
  if (done === true) throw new Error('the founder ended')
  return JSON.parse(value) as T
}
