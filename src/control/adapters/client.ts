import { connect, type Socket } from 'node:net'
import { PlexusError, whenAborted } from '../../base/index.ts'
import { ControlError, RemoteError } from '../errors.ts'
import {
  CONTROL_PARTS_WAITING_MAX,
  type ControlProgress,
  type ControlReply,
  type ControlRequest,
  lineSplitter,
} from '../protocol.ts'
import { assertOwnSockets, type Profile } from './profile.ts'

type OnProgress = (progress: ControlProgress['progress']) => void

/** A daemon that lives answers at once; one that was stopped, or hangs, never does. */
const ANSWER_TIMEOUT_MS = 10_000
/** After an interrupt, how long the daemon may take to give up what it was doing. */
const CANCEL_TIMEOUT_MS = 2_000

export interface ControlClientOptions {
  /** Does not keep this process alive between two calls. */
  readonly background?: boolean
}

export interface ControlCallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
  /** Who asks, if it is not the person: an agent, as it calls itself. */
  readonly agent?: string | undefined
  /** W3C traceparent of the call. */
  readonly trace?: string | undefined
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
    else reject(new ControlError('ERR_DAEMON_LOST', `cannot reach the daemon: ${error.message}`, { cause: error }))
  })
  return await promise
}

/** A conversation with the daemon of a profile. */
export class ControlClient implements Disposable {
  readonly #socket: Socket
  readonly #background: boolean
  readonly #waiting = new Map<number, Waiting>()
  readonly #closed = Promise.withResolvers<void>()
  #nextId = 1
  #failure: ControlError | undefined

  private constructor(socket: Socket, options: ControlClientOptions) {
    this.#socket = socket
    this.#background = options.background ?? false
    const split = lineSplitter()
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      try {
        for (const line of split(chunk)) this.#onReply(JSON.parse(line) as ControlReply)
      } catch (cause) {
        this.#failure = new ControlError('ERR_DAEMON_REPLY', 'the daemon answered something that is no reply', {
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
  static async open(profile: Profile, options: ControlClientOptions = {}): Promise<ControlClient | undefined> {
    const socket = await connectSocket(profile, 'control')
    if (socket === undefined) return undefined
    const client = new ControlClient(socket, options)
    const timer = setTimeout(() => {
      client.#failure = new ControlError('ERR_DAEMON_LOST', `the daemon did not answer in ${ANSWER_TIMEOUT_MS} ms`, {
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

  call(op: string, input: unknown, options: ControlCallOptions = {}): Promise<unknown> {
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

  async #call(op: string, input: unknown, options: ControlCallOptions, onPart: Waiting['onPart']): Promise<unknown> {
    const { signal, onProgress = () => undefined, agent, trace } = options
    signal?.throwIfAborted()
    if (this.#socket.destroyed) throw this.#failure ?? lost()
    const request: ControlRequest = { id: this.#nextId++, op, input, agent, trace }
    const settle = Promise.withResolvers<unknown>()
    this.#waiting.set(request.id, { settle, onProgress, onPart })
    this.#socket.ref()
    this.#socket.write(`${JSON.stringify(request)}\n`)
    let timer: NodeJS.Timeout | undefined
    using _abort = whenAborted(signal, (reason) => {
      this.#socket.write(`${JSON.stringify({ cancel: request.id })}\n`)
      timer = setTimeout(() => settle.reject(reason), CANCEL_TIMEOUT_MS)
    })
    try {
      return await settle.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(request.id)
      if (this.#background && this.#waiting.size === 0) this.#socket.unref()
    }
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

function lost(): ControlError {
  return new ControlError('ERR_DAEMON_LOST', 'the daemon went away before it answered', {
    fix: 'Read daemon.log in the profile folder, and start it again with `plexus up`.',
  })
}
