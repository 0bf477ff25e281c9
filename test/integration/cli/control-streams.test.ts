import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../../../src/base/index.ts'
import { type CallOperation, listenOnSocket, serveControl } from '../../../src/cli/daemon/control-server.ts'
import { ControlClient, profileOf } from '../../../src/control/index.ts'

const PART = 'x'.repeat(64 * 1024)

/** A daemon that counts for ever, and how often it was asked for the next part. */
class Counting implements AsyncDisposable {
  readonly home: string = mkdtempSync(join(tmpdir(), 'plexus-control-'))
  readonly profile = profileOf('p', { PLEXUS_HOME: this.home })
  made = 0
  readonly ended: Promise<unknown>
  #end = (_: unknown): void => undefined
  #server: Server | undefined

  constructor() {
    this.ended = new Promise((resolve) => (this.#end = resolve))
  }

  get path(): string {
    return join(this.home, 'control.sock')
  }

  async start(): Promise<void> {
    const call: CallOperation = async (op, _input, { signal }) => (op === 'count' ? this.#parts(signal) : {})
    this.#server = await listenOnSocket(this.path, 8, (socket) => serveControl(socket, call, silentLogger()))
  }

  async *#parts(signal: AbortSignal): AsyncGenerator<object, void> {
    try {
      for (;;) {
        signal.throwIfAborted()
        yield { n: this.made++, PART }
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      this.#end(signal.reason)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close()
    rmSync(this.home, { recursive: true })
  }
}

/** Until a number stops growing. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1, quiet = 0; ; ) {
    await new Promise((resolve) => setImmediate(resolve))
    quiet = read() === before ? quiet + 1 : 0
    before = read()
    if (quiet > 200) return before
  }
}

test('parts are made only as fast as the client reads them, and no more once it has gone', async () => {
  await using daemon = new Counting()
  await daemon.start()
  const socket = connect(daemon.path)
  await once(socket, 'connect')
  socket.write('{"id":1,"op":"count","input":{}}\n')
  await once(socket, 'readable')
  const held = await settled(() => daemon.made)
  assert.ok(held * PART.length < 8 * 1024 * 1024, `${held} parts wait for a client that does not read`)
  while (daemon.made === held) if (socket.read() === null) await once(socket, 'readable')
  socket.destroy()
  assert.match(String(await daemon.ended), /client left/)
})

test('a client hands out parts one by one, reads no more than it must, and cancels when it has enough', async () => {
  await using daemon = new Counting()
  const profile = { ...daemon.profile, controlSocket: daemon.path }
  await daemon.start()
  const client = await ControlClient.open(profile)
  assert.ok(client !== undefined)
  using open = client
  const seen: number[] = []
  for await (const part of open.stream('count', {}, new AbortController().signal)) {
    seen.push((part as { n: number }).n)
    if (seen.length === 1) await settled(() => daemon.made)
    if (seen.length === 1) assert.ok(daemon.made < 200, `${daemon.made} parts for a reader of one`)
    if (seen.length === 60) break
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 60 }, (_, n) => n),
  )
  assert.match(String(await daemon.ended), /interrupted/)
  assert.deepEqual(await open.call('other', {}), {}, 'the conversation goes on')
})
