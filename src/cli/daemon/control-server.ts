import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { codeOf, errorReport, type Logger, PlexusError, reasonOf } from '../../base/index.ts'
import {
  CONTROL_MAX_IN_FLIGHT,
  CONTROL_UNREAD_MAX_BYTES,
  type ControlFailure,
  type ControlReply,
  type ControlRequest,
  lineSplitter,
} from '../../control/index.ts'

export type CallOperation = (
  op: string,
  input: unknown,
  context: Pick<ControlRequest, 'agent' | 'trace'> & {
    readonly signal: AbortSignal
    readonly progress: (step: { done: number; total?: number; message?: string }) => void
  },
) => Promise<unknown>

/**
 * Listens on a socket that only this user may open. The caller owns the profile's lock, so a socket file that is
 * already there belongs to nobody and is replaced.
 */
export async function listenOnSocket(
  path: string,
  maxConnections: number,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  if (!path.startsWith('\\\\')) rmSync(path, { force: true })
  const server = createServer(onConnection)
  server.maxConnections = maxConnections
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  server.removeListener('error', reject)
  if (!path.startsWith('\\\\')) chmodSync(path, 0o600)
  return server
}

/** Serves one conversation of the control protocol until the client leaves; what it had under way is then cancelled. */
export function serveControl(socket: Socket, call: CallOperation, log: Logger): void {
  const underWay = new Map<number, AbortController>()
  const split = lineSplitter()
  const reply = (message: ControlReply): void => {
    if (socket.destroyed) return
    socket.write(`${JSON.stringify(message)}\n`)
    if (socket.writableLength > CONTROL_UNREAD_MAX_BYTES) socket.pause()
  }
  socket.setEncoding('utf8')
  socket.on('drain', () => socket.resume())
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    for (const controller of underWay.values()) controller.abort(new Error('the client left'))
  })
  socket.on('data', (chunk: string) => {
    try {
      for (const line of split(chunk)) onLine(line)
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, 'a control client sent something that is no request')
      socket.destroy()
    }
  })

  const onLine = (line: string): void => {
    const request: unknown = JSON.parse(line)
    if (isCancel(request)) {
      underWay.get(request.cancel)?.abort(new PlexusError('ERR_INTERRUPTED', 'interrupted'))
    } else if (isRequest(request) && !underWay.has(request.id)) {
      if (underWay.size < CONTROL_MAX_IN_FLIGHT) void run(request)
      else reply(failure(request.id, new PlexusError('ERR_TOO_MANY_IN_FLIGHT', 'too many requests on this connection')))
    } else {
      throw new TypeError('not a request, or one with an id that is in use')
    }
  }

  /** Waits for the client to read before it takes the next part. */
  const stream = async (id: number, parts: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> => {
    for await (const part of parts) {
      reply({ id, part })
      if (socket.writableNeedDrain) await once(socket, 'drain', { signal })
    }
    reply({ id, data: null })
  }

  const run = async (request: Request): Promise<void> => {
    const controller = new AbortController()
    underWay.set(request.id, controller)
    try {
      const data = await call(request.op, request.input, {
        signal: controller.signal,
        progress: (progress) => reply({ id: request.id, progress }),
        agent: request.agent,
        trace: request.trace,
      })
      if (isStream(data)) await stream(request.id, data, controller.signal)
      else reply({ id: request.id, data })
    } catch (error) {
      log.debug({ op: request.op, code: codeOf(error), reason: reasonOf(error) }, 'an operation failed')
      reply(failure(request.id, error))
    } finally {
      underWay.delete(request.id)
    }
  }
}

function isStream(data: unknown): data is AsyncIterable<unknown> {
  return typeof data === 'object' && data !== null && Symbol.asyncIterator in data
}

function failure(id: number, error: unknown): ControlFailure {
  return { id, error: errorReport(error) }
}

type Request = Omit<ControlRequest, 'input'> & { readonly input?: unknown }

function isRequest(value: unknown): value is Request {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    Number.isSafeInteger(value.id) &&
    'op' in value &&
    typeof value.op === 'string' &&
    (!('agent' in value) || typeof value.agent === 'string') &&
    (!('trace' in value) || typeof value.trace === 'string')
  )
}

function isCancel(value: unknown): value is { readonly cancel: number } {
  return typeof value === 'object' && value !== null && 'cancel' in value && typeof value.cancel === 'number'
}
