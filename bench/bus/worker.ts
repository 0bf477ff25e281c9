import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { DAEMON_NODE_FLAGS } from '../../src/control/index.ts'
import type { Addresses, ContenderName } from './contender.ts'
import type { Side } from './side.ts'

const EXIT_TIMEOUT_MS = 10_000

export type Method = keyof Side

export interface Command {
  /** Without one no answer is wanted. */
  readonly id?: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly heard: number }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }

type Arguments<M extends Method> = Side[M] extends (...args: infer A) => unknown ? A : never
type Result<M extends Method> = Side[M] extends (...args: never[]) => infer R ? Awaited<R> : never

/** Another process of the benchmark, run with the flags of our daemon whoever contends in it, told what to do over its IPC channel. */
export class Worker implements AsyncDisposable {
  /** Called with how many messages it has heard so far. */
  onHeard: (heard: number) => void = () => undefined
  addresses: Addresses = []
  readonly #child: ChildProcess
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>()
  #commands = 0

  constructor(profileFolder?: string) {
    const profiling = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
    this.#child = fork(new URL('./process.ts', import.meta.url), {
      execArgv: [...DAEMON_NODE_FLAGS, '--expose-gc', ...profiling],
    })
    this.#child.on('message', (answer: Answer) => this.#onAnswer(answer))
    this.#child.on('exit', () => this.#failAll())
  }

  /** A process that has joined; it ends with the stack. */
  static async start(stack: AsyncDisposableStack, name: ContenderName, profileFolder?: string): Promise<Worker> {
    const worker = stack.use(new Worker(profileFolder))
    worker.addresses = await worker.call('join', name)
    return worker
  }

  call<M extends Method>(method: M, ...args: Arguments<M>): Promise<Result<M>> {
    const id = ++this.#commands
    const answer = Promise.withResolvers<unknown>()
    this.#open.set(id, answer)
    this.#child.send({ id, method, args } satisfies Command)
    return answer.promise as Promise<Result<M>>
  }

  tell<M extends Method>(method: M, ...args: Arguments<M>): void {
    this.#child.send({ method, args } satisfies Command)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_TIMEOUT_MS)
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
    clearTimeout(timer)
  }

  #onAnswer(answer: Answer): void {
    if ('heard' in answer) {
      this.onHeard(answer.heard)
      return
    }
    const open = this.#open.get(answer.id)
    this.#open.delete(answer.id)
    if ('error' in answer) open?.reject(new Error(answer.error))
    else open?.resolve(answer.value)
  }

  #failAll(): void {
    for (const { reject } of this.#open.values()) reject(new Error('a process of the benchmark ended too early'))
    this.#open.clear()
  }
}
