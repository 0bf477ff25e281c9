import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, type PeerId } from '../../src/base/index.ts'
import type { Channel, HandleOptions, Transport, TransportEvents } from '../../src/network/index.ts'

/** Where a transport under test runs. */
export interface TransportBench extends AsyncDisposable {
  /** A new peer, not started. */
  peer(): Promise<Transport>
  /** A new transport for the identity and the address of one that was stopped. */
  again(stopped: Transport, addresses: readonly string[]): Promise<Transport>
  /** Nothing listens there, which a dial gives as this reason. */
  readonly deadAddress: string
  readonly deadReason: string
  /** Something accepts there and never says a word. */
  readonly silentAddress: string
  /** Lets that much time pass on the clock of the transports. */
  elapse(ms: number): Promise<void>
  /** Runs a test body, and whatever makes time pass meanwhile. */
  run(body: () => Promise<void>): Promise<void>
}

export const ECHO = '/plexus-test/echo/1'
export const MANY: HandleOptions = { maxInboundStreams: 32 }
export const MIB: number = 1024 * 1024

/** Defines a test whose body runs on a bench of its own. */
export type Check = (title: string, body: (bench: TransportBench) => Promise<void>) => void

export function checkOn(makeBench: () => Promise<TransportBench>): Check {
  return (title, body) => {
    test(title, { timeout: 60_000 }, async () => {
      await using bench = await makeBench()
      await bench.run(() => body(bench))
    })
  }
}

export async function pair(bench: TransportBench): Promise<[Transport, Transport]> {
  const [a, b] = await Promise.all([bench.peer(), bench.peer()])
  await Promise.all([a.start(), b.start()])
  return [a, b]
}

export async function linkedPair(bench: TransportBench): Promise<[Transport, Transport]> {
  const [a, b] = await pair(bench)
  const met = nextEvent(b, 'peer:connect')
  await Promise.all([met, a.dial(b.self, b.addresses())])
  return [a, b]
}

/** The next event of that name. Ask before what brings it about. */
export function nextEvent<Name extends keyof TransportEvents>(
  transport: Transport,
  name: Name,
): Promise<TransportEvents[Name]> {
  return transport.events.next(name, { signal: new AbortController().signal })
}

export function serveEcho(transport: Transport): void {
  transport.handle(ECHO, MANY, echoBack)
}

export async function echoBack(channel: Channel): Promise<void> {
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) await channel.send(chunk)
  await channel.close()
}

export async function echo(from: Transport, to: PeerId, text: string): Promise<void> {
  await using channel = await from.open(to, ECHO)
  await channel.send(Buffer.from(text))
  await channel.close()
  assert.equal(Buffer.from(await readAll(channel)).toString(), text)
}

export async function ping(channel: Channel): Promise<void> {
  await channel.send(Uint8Array.of(42))
  assert.deepEqual([...((await channel.read()) ?? [])], [42])
}

export async function readAll(channel: Channel): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) chunks.push(chunk)
  return concatBytes(...chunks)
}

export async function readExactly(channel: Channel, bytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for (let read = 0; read < bytes; ) {
    const chunk = await channel.read()
    assert.ok(chunk, 'the stream ended early')
    chunks.push(chunk)
    read += chunk.byteLength
  }
  return concatBytes(...chunks)
}

export async function sendUntilFull(channel: Channel): Promise<never> {
  const block = new Uint8Array(64 * 1024)
  for (;;) await channel.send(block)
}

/**
 * Sends until a send waits although the peer has dealt with all that was sent before: three round trips on the same
 * connection, which is ordered, are the proof.
 */
export async function sendUntilStuck(
  channel: Channel,
  probe: Channel,
): Promise<{ bytes: number; stuck: Promise<void> }> {
  const block = new Uint8Array(64 * 1024)
  for (let bytes = 0; ; bytes += block.byteLength) {
    let sent = false
    const sending = channel.send(block).then(() => {
      sent = true
    })
    for (let round = 0; round < 3 && !sent; round++) await ping(probe)
    if (!sent) return { bytes, stuck: sending }
  }
}

/** Bytes that differ from place to place, so that a gap, a swap or a repetition shows. */
export function pattern(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index++) bytes[index] = ((from + index) * 2_654_435_761) >>> 24
  return bytes
}

export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

export async function rejects(promise: Promise<unknown>, code: string): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, code, String(error))
    return error
  }
  assert.fail(`expected ${code}`)
}
