import { connect, type Socket } from 'node:net'
import { PlexusError } from '../base/index.ts'
import { CliError, RemoteError } from './errors.ts'
import { assertOwnSockets, type Profile } from './profile.ts'
import { CONTROL_PARTS_WAITING_MAX, type ControlReply, type ControlRequest, lineSplitter } from './protocol.ts'

type OnProgress = (progress: { readonly done: number; readonly total?: number; readonly message?: string }) => void

/** A daemon that lives answers at once; one that was stopped, or hangs, never does. */
const ANSWER_TIMEOUT_MS = 10_000
/** After an interrupt, how long the daemon may take to give up what it was doing. */
const CANCEL_TIMEOUT_MS = 2_000

interface CallOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

interface Waiting {
  readonly settle: PromiseWithResolvers<unknown>
  readonly onProgress: OnProgress
  readonly onPart: (part: unknown) => void
}

/** Opens a socket of the daemon, or `undefined` when nobody listens there. */
export async function connectSocket(profile: Profile, which: 'control' | 'mcp'): Promise<Socket | undefined> {
  assertOwnSockets(profile)
  const { promise, resolve, reject } = Promise.withResolvers<Socket | undefined>()
  const socket = connect(which === 'control' ? profile.controlSocket : profile.mcpSocket)
  socket.once('connect', () => resolve(socket))
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ECONNREFUSED') resolve(undefined)
    else reject(new CliError('ERR_DAEMON_LOST', `cannot reach the daemon: ${error.message}`, { cause: error }))
  })
  return await promise
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

  /** The daemon's conversation, or `undefined` when it does not run. Rejects when it runs and does not answer. */
  static async open(profile: Profile): Promise<ControlClient | undefined> {
    const socket = await connectSocket(profile, 'control')
    if (socket === undefined) return undefined
    const client = new ControlClient(socket)
    const timer = setTimeout(() => {
      client.#failure = new CliError('ERR_DAEMON_LOST', `the daemon did not answer in ${ANSWER_TIMEOUT_MS} ms`, {
        fix: `End the process that ${profile.infoFile} names, then start it again with \`plexus up\`.`,
      })
      socket.destroy()
    }, ANSWER_TIMEOUT_MS)
    await client.call('daemon.info', {}).finally(() => clearTimeout(timer))
    return client
  }

  /** Settles when the conversation has ended, from whichever side. The daemon keeps it until its process ends. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  call(op: string, input: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#call(op, input, options, () => undefined)
  }

  /** The parts of an answer, as they come. A caller who leaves the loop cancels the rest. */
  async *stream(op: string, input: unknown, signal: AbortSignal): AsyncGenerator<unknown, void> {
    const parts: unknown[] = []
    const left = new AbortController()
    let isOver = false
    let wake = (): void => undefined
    const onPart = (part: unknown): void => {
      parts.push(part)
      if (parts.length >= CONTROL_PARTS_WAITING_MAX) this.#socket.pause()
      wake()
    }
    const answer = this.#call(op, input, { signal: AbortSignal.any([signal, left.signal]) }, onPart).finally(() => {
      isOver = true
      wake()
    })
    answer.catch(() => undefined) // said below, to whoever still listens
    try {
      while (parts.length > 0 || !isOver) {
        if (parts.length > 0) yield parts.shift()
        else {
          this.#socket.resume()
          const { promise, resolve } = Promise.withResolvers<void>()
          wake = resolve
          await promise
        }
      }
      await answer
    } finally {
      this.#socket.resume()
      if (!isOver) left.abort(new PlexusError('ERR_INTERRUPTED', 'no longer read'))
    }
  }

  #call(op: string, input: unknown, options: CallOptions, onPart: Waiting['onPart']): Promise<unknown> {
    const { signal, onProgress = () => undefined } = options
    if (this.#socket.destroyed) return Promise.reject(this.#failure ?? lost())
    const request: ControlRequest = { id: this.#nextId++, op, input }
    const settle = Promise.withResolvers<unknown>()
    this.#waiting.set(request.id, { settle, onProgress, onPart })
    this.#socket.write(`${JSON.stringify(request)}\n`)
    let timer: NodeJS.Timeout | undefined
    const onAbort = (): void => {
      this.#socket.write(`${JSON.stringify({ cancel: request.id })}\n`)
      timer = setTimeout(() => settle.reject(signal?.reason), CANCEL_TIMEOUT_MS)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    return settle.promise.finally(() => {
      clearTimeout(timer)
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
    else if ('part' in reply) waiting.onPart(reply.part)
    else if ('data' in reply) waiting.settle.resolve(reply.data)
    else {
      const { code, message, fix } = reply.error
      waiting.settle.reject(new RemoteError(code, message, { fix }))
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
