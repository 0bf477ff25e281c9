import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server'
import { type Logger, reasonOf, sha256, utf8 } from '../../base/index.ts'
import { McpError } from '../errors.ts'
import { keptToken } from './http-token.ts'

export const HTTP_DEFAULT_PORT = 7425
/** How many ports after the wanted one are tried before giving up. */
const HTTP_PORT_TRIES = 20
const HTTP_MAX_CONNECTIONS = 64
const HTTP_BODY_MAX_BYTES: number = 4 * 1024 * 1024
const HTTP_MAX_SUBSCRIPTIONS = 64
/** From the first byte of a request to the end of its head, and to its end: a connection that dawdles keeps others out. */
const HTTP_HEAD_TIMEOUT_MS = 5_000
const HTTP_REQUEST_TIMEOUT_MS = 30_000
/** How often these are looked at. */
const HTTP_CHECK_MS = 1_000
const HTTP_TIMES = {
  headersTimeout: HTTP_HEAD_TIMEOUT_MS,
  requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: HTTP_CHECK_MS,
}
const PATH = '/mcp'
/** What MCP over HTTP is asked by. */
const METHODS: readonly (string | undefined)[] = ['POST', 'GET', 'DELETE']
/** Of a name that leads here and nowhere else; a browser sends the one in its address bar (DNS rebinding). */
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

/** Something else that this port answers to `GET`, behind the same checks of `Host` and `Origin`. */
export interface HttpRoute {
  readonly needsToken: boolean
  readonly answer: () => { readonly status: number; readonly type: string; readonly body: string }
}

export interface HttpFaceInit {
  /** Default `HTTP_DEFAULT_PORT`, or one of the next when it is taken; 0 for any. */
  readonly port?: number | undefined
  readonly tokenFile: string
  /** By path. */
  readonly routes?: Readonly<Record<string, HttpRoute>>
}

export interface HttpFace {
  readonly url: string
  readonly note: string | undefined
  close(): Promise<void>
}

/**
 * MCP Streamable HTTP, both protocol eras, on 127.0.0.1 only. Every request needs the bearer token of the token file, a
 * loopback `Host` (DNS rebinding) and, if it has an `Origin`, a loopback one.
 */
export async function listenHttp(factory: McpServerFactory, init: HttpFaceInit, log: Logger): Promise<HttpFace> {
  const expected = sha256(utf8(`Bearer ${keptToken(init.tokenFile)}`))
  const handler = createMcpHandler(factory, {
    maxRequestBodySize: HTTP_BODY_MAX_BYTES,
    maxSubscriptions: HTTP_MAX_SUBSCRIPTIONS,
    onerror: (error) => log.debug({ reason: error.message }, 'an HTTP request was refused'),
  })
  const serve = toNodeHandler(handler, { maxRequestBodySize: HTTP_BODY_MAX_BYTES })
  const { routes = {} } = init
  const originIsLocal = localhostOriginValidation()
  const server = createServer(HTTP_TIMES, (request, response) => {
    if (!isForUs(request)) return answerError(response, 403, 'the Host of the request is not this machine')
    if (!originIsLocal(request, response)) return
    const path = request.url?.split('?')[0] ?? ''
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined
    const refusal = refusalOf(request, path, route, expected)
    if (refusal !== undefined) return answerError(response, ...refusal)
    if (route !== undefined) return answerRoute(response, route, log)
    // node:http types absent fields as `undefined`, the SDK as missing: the same thing at run time.
    serve(request as Parameters<typeof serve>[0], response).catch((error: unknown) => {
      log.warn({ reason: reasonOf(error) }, 'an HTTP request failed')
      response.destroy()
    })
  })
  server.maxConnections = HTTP_MAX_CONNECTIONS
  const wanted = init.port ?? HTTP_DEFAULT_PORT
  const port = await listen(server, wanted)
  return {
    url: `http://127.0.0.1:${port}${PATH}`,
    note: port === wanted || wanted === 0 ? undefined : `port ${wanted} is taken; MCP over HTTP listens on ${port}`,
    close: async () => {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await handler.close()
      server.closeAllConnections()
      await closed.promise
    },
  }
}

/** Exactly one `Host`, and a local one. */
function isForUs({ headersDistinct }: IncomingMessage): boolean {
  const [host = '', ...more] = headersDistinct.host ?? []
  return more.length === 0 && LOCAL_HOST.test(host)
}

type Refusal = readonly [status: number, message: string]

function refusalOf(
  request: IncomingMessage,
  path: string,
  route: HttpRoute | undefined,
  expected: Uint8Array,
): Refusal | undefined {
  if (path !== PATH && route === undefined) return [404, `nothing here; MCP is at ${PATH}`]
  if (route !== undefined && request.method !== 'GET') return [405, 'only GET']
  if (!METHODS.includes(request.method)) return [405, `only ${METHODS.join(', ')}`]
  // Browsers say where a request comes from even when they send no Origin.
  if (request.headers['sec-fetch-site'] === 'cross-site') return [403, 'requests from other sites are refused']
  if (route?.needsToken === false) return undefined
  // Both sides are hashed first, so that neither length nor prefix of the token shows in the time this takes.
  const given = sha256(utf8(request.headers.authorization ?? ''))
  if (!timingSafeEqual(given, expected)) return [401, 'the bearer token of this profile is missing or wrong']
  return undefined
}

function answerRoute(response: ServerResponse, route: HttpRoute, log: Logger): void {
  try {
    const { status, type, body } = route.answer()
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, 'a monitoring page could not be made')
    answerError(response, 500, 'the node could not answer')
  }
}

function answerError(response: ServerResponse, status: number, message: string): void {
  const headers = { 'content-type': 'application/json', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}) }
  response
    .writeHead(status, headers)
    .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32_000, message } }))
}

async function listen(server: Server, wanted: number): Promise<number> {
  for (let port = wanted; port <= Math.min(wanted + HTTP_PORT_TRIES, 65_535); port++) {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const onError = (error: NodeJS.ErrnoException): void =>
      error.code === 'EADDRINUSE'
        ? resolve(false)
        : reject(new McpError('ERR_HTTP_LISTEN', error.message, { cause: error }))
    server.once('error', onError)
    server.listen(port, '127.0.0.1', () => resolve(true))
    const listening = await promise.finally(() => server.removeListener('error', onError))
    if (listening) return (server.address() as AddressInfo).port
  }
  throw new McpError('ERR_HTTP_LISTEN', `ports ${wanted} to ${wanted + HTTP_PORT_TRIES} are all taken`, {
    fix: 'Choose another with `plexus up --http-port N`.',
  })
}
