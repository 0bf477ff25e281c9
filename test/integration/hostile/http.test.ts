import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Profiles } from '../../support/profiles.ts'

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'probe', version: '1' } },
})
const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
const MIB = 1024 * 1024

/** However it ends: a peer that hangs up may well reset the connection. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))

/** A client of the HTTP face that writes its requests by hand. */
class Prober {
  readonly #port: number
  readonly #token: string

  constructor(url: string, token: string) {
    this.#port = Number(new URL(url).port)
    this.#token = token
  }

  /** A good request, but for what is said here. */
  request(
    change: {
      readonly method?: string
      readonly target?: string
      readonly host?: string
      readonly authorization?: string
      readonly type?: string
      readonly more?: string
      readonly length?: string
      readonly body?: string
    } = {},
  ): string {
    const { method = 'POST', target = '/mcp', type = 'application/json', more = '', body = INITIALIZE } = change
    const { host = `Host: 127.0.0.1:${this.#port}\r\n`, length = `Content-Length: ${Buffer.byteLength(body)}` } = change
    const { authorization = `Authorization: Bearer ${this.#token}\r\n` } = change
    const accept = 'Accept: application/json, text/event-stream'
    return `${method} ${target} HTTP/1.1\r\n${host}${authorization}Content-Type: ${type}\r\n${accept}\r\n${more}${length}\r\n\r\n${body}`
  }

  connect(): Socket {
    const socket = connect(this.#port, '127.0.0.1')
    // It may well be reset: that is what these tests are about.
    socket.on('error', () => undefined)
    return socket
  }

  /** All that comes back until the answer's first event or body is there, or the other side hangs up. */
  async ask(text: string | Uint8Array): Promise<string> {
    const socket = this.connect()
    socket.write(text)
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (/\r\n\r\n/.test(answer) && !answer.startsWith('HTTP/1.1 100')) socket.destroy()
    })
    await closed(socket)
    return answer
  }

  async status(text: string | Uint8Array): Promise<number> {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(await this.ask(text))?.[1] ?? 0)
  }
}

async function prober(profiles: Profiles): Promise<Prober> {
  const { daemon } = await profiles.peer('ada').up()
  return new Prober(daemon.mcpUrl, readFileSync(join(profiles.home, 'ada', 'http-token'), 'utf8').trim())
}

/** The connection was closed without an answer. */
const HUNG_UP = 0

test('only well-formed requests of this machine, with the token, are served', { timeout: 60_000 }, async () => {
  await using profiles = new Profiles()
  const http = await prober(profiles)
  const ask = http.request.bind(http)
  const shapes: readonly (readonly [what: string, request: string | Uint8Array, status: number])[] = [
    ['as it should be', ask(), 200],
    ['by the name localhost', ask({ host: 'Host: localhost\r\n' }), 200],
    ['by its IPv6 address', ask({ host: 'Host: [::1]:1\r\n' }), 200],
    ['from a page of this machine', ask({ more: 'Origin: http://localhost:3000\r\n' }), 200],

    ['without a token', ask({ authorization: '' }), 401],
    ['with a wrong token', ask({ authorization: `Authorization: Bearer ${'0'.repeat(64)}\r\n` }), 401],
    ['with half a token', ask().replace(/(Bearer .{32}).{32}/, '$1'), 401],
    ['with two tokens, the first one wrong', ask({ more: '' }).replace('Auth', 'Authorization: Bearer x\r\nAuth'), 401],
    ['with the token in another scheme', ask().replace('Bearer', 'Basic'), 401],
    ['with the token in the query', ask({ authorization: '', target: '/mcp?token=x' }), 401],
    ['a preflight', ask({ method: 'OPTIONS', authorization: '', more: 'Origin: http://localhost\r\n' }), 405],

    ['for another host', ask({ host: 'Host: evil.example\r\n' }), 403],
    ['for a host that begins like ours', ask({ host: 'Host: 127.0.0.1.evil.example\r\n' }), 403],
    ['for a host with a user', ask({ host: 'Host: evil@127.0.0.1\r\n' }), 403],
    ['for every interface', ask({ host: 'Host: 0.0.0.0\r\n' }), 403],
    ['for an empty host', ask({ host: 'Host:\r\n' }), 403],
    ['for two hosts', ask({ more: 'Host: evil.example\r\n' }), 403],
    ['for no host', ask({ host: '' }), 400],
    ['for no host, as HTTP/1.0 allows', ask({ host: '' }).replace('HTTP/1.1', 'HTTP/1.0'), 403],

    ['from another origin', ask({ more: 'Origin: http://evil.example\r\n' }), 403],
    ['from an origin that begins like ours', ask({ more: 'Origin: http://localhost.evil.example\r\n' }), 403],
    ['from an origin with a user', ask({ more: 'Origin: http://localhost@evil.example\r\n' }), 403],
    ['from two origins', ask({ more: 'Origin: http://localhost, http://evil.example\r\n' }), 403],
    ['from a sandbox', ask({ more: 'Origin: null\r\n' }), 403],
    ['from a file', ask({ more: 'Origin: file://\r\n' }), 403],
    ['from an extension', ask({ more: 'Origin: chrome-extension://abcdef\r\n' }), 403],
    ['from another site', ask({ more: 'Sec-Fetch-Site: cross-site\r\n' }), 403],

    ['for something else', ask({ target: '/' }), 404],
    ['for something above', ask({ target: '/x/../mcp' }), 404],
    ['as to a proxy', ask({ target: 'http://evil.example/mcp' }), 404],
    ['by PUT', ask({ method: 'PUT' }), 405],
    ['by PATCH', ask({ method: 'PATCH' }), 405],
    ['by HEAD', ask({ method: 'HEAD', body: '' }), 405],
    ['by TRACE', ask({ method: 'TRACE', body: '' }), 405],
    ['by GET, outside a session', ask({ method: 'GET', body: '' }), 405],
    ['as a tunnel', ask({ method: 'CONNECT', target: 'evil.example:443', body: '' }), HUNG_UP],
    ['as a web socket', ask({ method: 'GET', body: '', more: 'Connection: Upgrade\r\nUpgrade: websocket\r\n' }), 405],
    ['by a method that nobody knows', ask({ method: 'FOO' }), 400],
    ['as HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['as TLS', Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), 400],
    ['as garbage', '\0\x01\x02garbage\r\n\r\n', 400],

    ['with two lengths', ask({ more: 'Content-Length: 3\r\n' }), 400],
    ['with a length and chunks', ask({ more: 'Transfer-Encoding: chunked\r\n' }), 400],
    ['with a negative length', ask({ length: 'Content-Length: -1' }), 400],
    ['with a length beyond all bounds', ask({ length: 'Content-Length: 99999999999999' }), 413],
    ['with a chunk that is none', ask({ length: 'Transfer-Encoding: chunked', body: 'zz\r\n' }), 400],
    ['with a line break in a header', ask({ more: 'X: a\rb\r\n' }), 400],
    ['with a NUL in a header', ask({ more: 'X: a\0b\r\n' }), 400],
    ['with a header of 20 kB', ask({ more: `X: ${'a'.repeat(20_000)}\r\n` }), 431],
    ['with 3,000 headers', ask({ more: Array.from({ length: 3_000 }, (_, n) => `x${n}: 1\r\n`).join('') }), 431],
    ['expecting what we do not do', ask({ more: 'Expect: something\r\n' }), 417],
    ['with a body of 5 MiB', ask({ length: `Content-Length: ${5 * MIB}`, body: 'x'.repeat(64) }), 413],

    ['as plain text, as forms of other sites are', ask({ type: 'text/plain' }), 415],
    ['without an acceptable answer', ask().replace(/Accept: .*\r\n/, ''), 406],
    ['that is no JSON', ask({ body: 'not json' }), 400],
    ['that is empty', ask({ body: '' }), 400],
    ['that is null', ask({ body: 'null' }), 400],
    ['that is an empty batch', ask({ body: '[]' }), 400],
    ['that is a batch of 5,000', ask({ body: `[${Array(5_000).fill(INITIALIZE).join()}]` }), 400],
    ['that is nested 100,000 deep', ask({ body: '['.repeat(100_000) + ']'.repeat(100_000) }), 400],
    ['of a protocol version that nobody knows', ask({ body: LIST, more: 'MCP-Protocol-Version: 1999-01-01\r\n' }), 400],
  ]
  assert.ok(shapes.length >= 30)
  for (const [what, request, status] of shapes) {
    const answer = await http.ask(request)
    assert.equal(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? HUNG_UP), status, `${what}: ${answer.slice(0, 200)}`)
    assert.doesNotMatch(answer, /access-control-allow/i, what)
  }
  assert.equal(await http.status(ask()), 200, 'it goes on')
})

test('what stands behind a refused request is not taken for another request', async () => {
  await using profiles = new Profiles()
  const http = await prober(profiles)
  const hidden = http.request()
  const socket = http.connect()
  let answer = ''
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1')
  })
  socket.write(http.request({ authorization: '', body: hidden }))
  socket.write(http.request({ method: 'PUT', body: '' }))
  while (!answer.includes('405')) await once(socket, 'data')
  socket.destroy()
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 401', 'HTTP/1.1 405'])
})

test('connections that dawdle are closed and make room for others', { timeout: 30_000 }, async () => {
  await using profiles = new Profiles()
  const http = await prober(profiles)
  const dawdling = Array.from({ length: 80 }, () => http.connect())
  const gone = dawdling.map(closed)
  for (const socket of dawdling) socket.resume().write('POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n')
  await Promise.all(gone)
  assert.equal(await http.status(http.request()), 200)
})
