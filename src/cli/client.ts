import { connect, type Socket } from 'node:net'
import { CliError, RemoteError } from './errors.ts'
import type { Profile } from './profile.ts'
import { type ControlReply, type ControlRequest, lineSplitter } from './protocol.ts'

type OnProgress = (progress: { readonly done: number; readonly total?: number; readonly message?: string }) => void

interface Waiting {
  readonly settle: PromiseWithResolvers<unknown>
  readonly onProgress: OnProgress
}

/** Opens a socket of the daemon, or `undefined` when nobody listens there. */
export function connectSocket(path: string): Promise<Socket | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket | undefined>()
  const socket = connect(path)
  socket.once('connect', () => resolve(socket))
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
    else reject(new CliError('ERR_DAEMON_LOST', `cannot reach the daemon: ${error.message}`, { cause: error }))
  })
  return promise
}

/** A conversation with the daemon of a profile. */
export class ControlClient implements Disposable {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #closed = Promise.withResolvers<void>()
  #nextId = 1
  #failure: CliError | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    const split = lineSplitter()
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      try {
        for (const line of split(chunk)) this.#onReply(JSON.parse(line) as ControlReply)
      } catch (cause) {
        this.#failure = new CliError('ERR_DAEMON_REPLY', 'the daemon answered something that is no reply', {
          cause,
          fix: 'Restart it with `plexus down` and `plexus up`: it may be of another version.',
        })
        socket.destroy()
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
  }

  /** The daemon's conversation, or `undefined` when it does not run. */
  static async open(profile: Profile): Promise<ControlClient | undefined> {
    const socket = await connectSocket(profile.controlSocket)
    return socket === undefined ? undefined : new ControlClient(socket)
  }

  /** Settles when the conversation has ended, from whichever side. The daemon keeps it until its process ends. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  call(
    op: string,
    input: unknown,
    options: { readonly signal?: AbortSignal; readonly onProgress?: OnProgress } = {},
  ): Promise<unknown> {
    const { signal, onProgress = () => undefined } = options
    if (this.#socket.destroyed) return Promise.reject(this.#failure ?? lost())
    const request: ControlRequest = { id: this.#nextId++, op, input }
    const settle = Promise.withResolvers<unknown>()
    this.#waiting.set(request.id, { settle, onProgress })
    this.#socket.write(`${JSON.stringify(request)}\n`)
    const onAbort = (): void => void this.#socket.write(`${JSON.stringify({ cancel: request.id })}\n`)
    signal?.addEventListener('abort', onAbort, { once: true })
    return settle.promise.finally(() => {
      signal?.removeEventListener('abort', onAbort)
      this.#waiting.delete(request.id)
    })
  }

  [Symbol.dispose](): void {
    this.#socket.end()
    this.#socket.unref()
  }

  #onReply(reply: ControlReply): void {
    const waiting = this.#waiting.get(reply.id)
    if (waiting === undefined) return
    if ('progress' in reply) waiting.onProgress(reply.progress)
    else if ('data' in reply) waiting.settle.resolve(reply.data)
    else {
      const { code, message, fix } = reply.error
      waiting.settle.reject(new RemoteError(code, message, fix === undefined ? {} : { fix }))
    }
  }

  #onClose(): void {
    for (const { settle } of this.#waiting.values()) settle.reject(this.#failure ?? lost())
    this.#closed.resolve()
  }
}

function lost(): CliError {
  return new CliError('ERR_DAEMON_LOST', 'the daemon went away before it answered', {
    fix: 'Read daemon.log in the profile folder, and start it again with `plexus up`.',
  })
}
