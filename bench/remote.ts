import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { reasonOf } from '../src/base/index.ts'
import { DAEMON_NODE_FLAGS } from '../src/control/index.ts'

const EXIT_TIMEOUT_MS = 10_000

interface Command {
  /** Without one no answer is wanted. */
  readonly id?: number
  readonly method: string
  readonly args: readonly unknown[]
}

type Answer =
  | { readonly heard: number }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }

type Method<S> = Extract<keyof S, string>
type Arguments<S, M extends keyof S> = S[M] extends (...args: infer A) => unknown ? A : never
type Result<S, M extends keyof S> = S[M] extends (...args: never[]) => infer R ? Awaited<R> : never

/** Another process of a benchmark, run with the flags of our daemon whatever is measured in it, told what to do over its IPC channel. */
export class Remote<S> implements AsyncDisposable {
  /** Called with how many messages it has heard so far. */
  onHeard: (heard: number) => void = () => undefined
  readonly #child: ChildProcess
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>()
  #commands = 0

  /** `module` calls `serve`. */
  constructor(module: URL, profileFolder?: string) {
    const profiling = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
    this.#child = fork(module, { execArgv: [...DAEMON_NODE_FLAGS, '--expose-gc', ...profiling] })
    this.#child.on('message', (answer: Answer) => this.#onAnswer(answer))
    this.#child.on('exit', () => this.#failAll())
  }

  call<M extends Method<S>>(method: M, ...args: Arguments<S, M>): Promise<Result<S, M>> {
    const id = ++this.#commands
    const answer = Promise.withResolvers<unknown>()
    this.#open.set(id, answer)
    this.#child.send({ id, method, args } satisfies Command)
    return answer.promise as Promise<Result<S, M>>
  }

  tell<M extends Method<S>>(method: M, ...args: Arguments<S, M>): void {
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

/** The other end: does what the process that started this one says, and ends with it. `make` is given how to report what was heard. */
export function serve<S extends object>(make: (tell: (heard: number) => void) => S): void {
  const tell = (answer: Answer): void => void process.send?.(answer)
  const side = make((heard) => tell({ heard }))
  const run = async ({ method, args }: Command): Promise<unknown> => {
    return await Reflect.apply(side[method as keyof S] as (...args: readonly unknown[]) => unknown, side, args)
  }
  process.on('message', (command: Command) => {
    const { id } = command
    const outcome = run(command)
    if (id === undefined) return
    outcome.then(
      (value) => tell({ id, value }),
      (error: unknown) => tell({ id, error: reasonOf(error) }),
    )
  })
  process.on('disconnect', () => process.exit(0))
}
