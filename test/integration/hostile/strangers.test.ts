import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { UpReport } from '../../../demo/peer.ts'
import { encodeCbor, type PeerId, silentLogger, systemClock, systemRandom, utf8 } from '../../../src/base/index.ts'
import { helloFrame } from '../../../src/bus/handshake.ts'
import { LANE_PROTOCOL, LANES } from '../../../src/bus/index.ts'
import { type Identity, identityFromSeeds } from '../../../src/identity/index.ts'
import { type Channel, libp2pTransport, type Transport } from '../../../src/network/index.ts'
import { parseTicket } from '../../../src/space/index.ts'
import { signRequest } from '../../../src/space/invite-key.ts'
import { encodeJoinRequest, JOIN_PROTOCOL, JOIN_REQUEST_MAX_BYTES } from '../../../src/sync/join/join-wire.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

interface Status {
  readonly state: string
  readonly records: number
  readonly components: readonly { readonly name: string; readonly figures?: Readonly<Record<string, number>> }[]
}

function figuresOf({ components }: Status): Readonly<Record<string, number>> {
  return Object.assign({}, ...components.map(({ name, figures = {} }) => prefixed(name, figures)))
}

function prefixed(name: string, figures: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(figures).map(([figure, value]) => [`${name}.${figure}`, value]))
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Somebody who speaks libp2p and is a member of nothing. */
interface Stranger extends AsyncDisposable {
  readonly identity: Identity
  readonly transport: Transport
}

async function stranger(identity: Identity = newIdentity()): Promise<Stranger> {
  const make = libp2pTransport({ deviceSeed: identity.exportDeviceSeed(), listen: [] })
  const transport = await make({ clock: systemClock(), log: silentLogger() })
  await transport.start()
  return { identity, transport, [Symbol.asyncDispose]: () => transport.stop() }
}

function newIdentity(): Identity {
  const seed = (): Uint8Array => systemRandom().bytes(32)
  return identityFromSeeds({ device: seed(), principal: seed(), sealing: seed() }, { name: 'mallory' })
}

/** Writes and waits for the end, whichever kind it is; returns what came back. */
async function converse(channel: Channel, parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const heard: Uint8Array[] = []
  try {
    for (const part of parts) await channel.send(part)
    await channel.close()
    for (let chunk = await channel.read(); chunk !== undefined; chunk = await channel.read()) heard.push(chunk)
  } catch {
    // Reset by the other side, as it should be.
  }
  return Buffer.concat(heard)
}

function reached({ peer, addresses }: UpReport): { readonly peer: PeerId; readonly addresses: readonly string[] } {
  return { peer: peer as PeerId, addresses }
}

function framed(bytes: Uint8Array, claims: number = bytes.byteLength): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(claims)
  return Buffer.concat([head, bytes])
}

const random = systemRandom()

test('strangers who stay, be they many or one with many connections, do not keep members out', {
  timeout: 60_000,
}, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  const { peer, addresses } = reached(ada.report)
  const oneOfThem = newIdentity()
  for (const identities of [Array.from({ length: 110 }, newIdentity), Array<Identity>(110).fill(oneOfThem)]) {
    await bohr.down()
    await using crowd = new AsyncDisposableStack()
    for (const identity of identities) {
      const { transport } = crowd.use(await stranger(identity))
      // Some are closed before they know that they were let in.
      await transport.dial(peer, addresses).catch(() => undefined)
    }
    await bohr.up()
    await bohr.plexus('peers', '--wait', '1')
    const status = await ada.plexus<Status>('status')
    const figures = figuresOf(status)
    assert.equal(status.state, 'ok')
    assert.ok((figures['network.connections'] ?? 0) < 60, JSON.stringify(figures))
  }
  assert.ok((figuresOf(await ada.plexus<Status>('status'))['door.strangersClosed'] ?? 0) >= 70)
})

test('whatever a stranger writes on the lanes is refused, counted, and costs nothing', {
  timeout: 60_000,
}, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  const { peer, addresses } = reached(ada.report)
  await using mallory = await stranger()
  await mallory.transport.dial(peer, addresses)
  const before = residentMib(ada.report.daemon.pid)
  const hello = helloFrame({ lane: 'control', session: '00'.repeat(8), name: 'mallory' })
  const openings: readonly (readonly Uint8Array[])[] = [
    [new Uint8Array(0)],
    [hello.subarray(0, hello.byteLength - 3)],
    [Uint8Array.from([0xff, 0xff, 0xff, 0xff, 1])],
    [Uint8Array.from([0, 0, 0, 0, 1])],
    [Uint8Array.from([0, 0, 3, 0xff, 1]), random.bytes(1022)],
    [Uint8Array.from([0, 0, 0, 9, 4]), random.bytes(8)],
    [framed(Buffer.concat([Uint8Array.of(1), encodeCbor([1, 99, new Uint8Array(8), 'mallory'])]))],
    [framed(Buffer.concat([Uint8Array.of(1), encodeCbor([1, 0, new Uint8Array(8), 'x'.repeat(900)])]))],
    [hello, framed(Buffer.concat([Uint8Array.of(4), random.bytes(60_000)]))],
    [hello, hello],
    ...LANES.map((lane) => [helloFrame({ lane, session: '11'.repeat(8), name: 'mallory\n\u202e' })]),
    Array.from({ length: 64 }, () => random.bytes(16_384)),
  ]
  for (const parts of openings) {
    const heard = await converse(await mallory.transport.open(peer, LANE_PROTOCOL), parts)
    assert.ok(heard.byteLength < 1_024, 'no more than a refusal')
  }
  const status = await ada.plexus<Status>('status')
  const figures = figuresOf(status)
  assert.ok((figures['bus.faults'] ?? 0) >= 5, JSON.stringify(figures))
  assert.ok((figures['bus.refusals'] ?? 0) >= 4, JSON.stringify(figures))
  assert.equal(figures['bus.peersReady'], 1)
  assert.equal(status.state, 'ok')
  assert.ok(residentMib(ada.report.daemon.pid) - before < 100)

  const { thought } = await ada.plexus<{ thought: { id: string } }>('think', 'ada goes on')
  await eventually(async () => {
    const { thoughts } = await bohr.plexus<{ thoughts: { id: string }[] }>('recall')
    return thoughts.find(({ id }) => id === thought.id)
  })
})

test('whatever a stranger asks of the join protocol without a ticket is refused, and a ticket still admits', {
  timeout: 60_000,
}, async () => {
  await using profiles = new Profiles()
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  const { peer, addresses } = reached(await ada.up())
  await bohr.up()
  const { ticket: text } = await ada.plexus<{ ticket: string }>('invite')
  const ticket = parseTicket(text, Date.now())
  const { records } = await ada.plexus<Status>('status')

  const requestOf = (identity: Identity, seed: Uint8Array, name = 'mallory'): Uint8Array =>
    encodeJoinRequest(signRequest({ ...ticket, seed }, identity.device.peer, identity.certificate, name))
  const victim = newIdentity()
  const attempts: ((self: Identity) => Uint8Array)[] = [
    () => new Uint8Array(0),
    () => framed(random.bytes(100), 1_000),
    () => framed(new Uint8Array(0), 0xffff_ffff),
    () => framed(random.bytes(JOIN_REQUEST_MAX_BYTES)),
    () => framed(utf8('GET / HTTP/1.1')),
    () => framed(encodeCbor([1, 'nonsense'])),
    // The same request with its first number in a longer form.
    (self) => {
      const [head = 0, , ...rest] = requestOf(self, ticket.seed)
      return framed(Uint8Array.from([head, 0x18, 0x01, ...rest]))
    },
    (self) => framed(requestOf(self, random.bytes(16))),
    (self) => framed(requestOf(self, ticket.seed, 'a name\nof two lines')),
    // Somebody else's request, as it was overheard.
    () => framed(requestOf(victim, ticket.seed)),
    (self) => {
      const request = requestOf(self, ticket.seed)
      request[request.byteLength - 1] = (request.at(-1) ?? 0) ^ 1
      return framed(request)
    },
  ]
  for (const attempt of attempts) {
    // Each by a peer of its own: one that asks too often is told to wait, whatever it asks.
    await using mallory = await stranger()
    await mallory.transport.dial(peer, addresses)
    const heard = await converse(await mallory.transport.open(peer, JOIN_PROTOCOL), [attempt(mallory.identity)])
    assert.ok(heard.byteLength < 256, 'a refusal at most')
    assert.equal(Buffer.from(heard).includes(Buffer.from(ticket.space, 'hex')), false)
  }
  const figures = figuresOf(await ada.plexus<Status>('status'))
  assert.equal(figures['sync.joinsAdmitted'], 0, JSON.stringify(figures))
  assert.ok((figures['sync.joinsMalformed'] ?? 0) >= 3, JSON.stringify(figures))
  assert.ok((figures['sync.joinsRefused'] ?? 0) >= 6, JSON.stringify(figures))
  assert.equal((await ada.plexus<Status>('status')).records, records)
  assert.equal((await bohr.plexus<{ members: number }>('join', text)).members, 2)
})
