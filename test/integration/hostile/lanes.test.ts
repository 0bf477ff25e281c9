import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeCbor, type PeerId, seededRandom, silentLogger, systemClock } from '../../../src/base/index.ts'
import { type Envelope, envelopeFrame } from '../../../src/bus/envelope.ts'
import { creditFrame, FRAME, frame } from '../../../src/bus/frames.ts'
import type { Lane, Priority } from '../../../src/bus/index.ts'
import { libp2pTransport } from '../../../src/network/index.ts'
import { parseTicket } from '../../../src/space/index.ts'
import { askIssuer } from '../../../src/sync/join/joiner.ts'
import { RawPeer } from '../../simulation/bus/raw-peer.ts'
import { durableHalf } from '../../support/durable-half.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

interface Status {
  readonly state: string
  readonly components: readonly { readonly name: string; readonly figures?: Readonly<Record<string, number>> }[]
}

interface Member extends AsyncDisposable {
  readonly lanes: RawPeer
}

/** A member with a ticket like any other, who then speaks on its lanes by hand. */
async function rawMember(n: number, text: string): Promise<Member> {
  const clock = systemClock()
  const { signal } = new AbortController()
  await using cleanup = new AsyncDisposableStack()
  const half = cleanup.use(durableHalf({ name: `raw-${n}`, seed: 1_000 + n, clock }))
  const make = libp2pTransport({ deviceSeed: half.identity.exportDeviceSeed(), listen: [] })
  const transport = await make({ clock, log: silentLogger() })
  await transport.start()
  cleanup.defer(() => transport.stop())
  const lanes = new RawPeer(transport)
  const ticket = parseTicket(text, clock.now())
  const request = half.spaces.requestFor(ticket, `raw-${n}`)
  const options = { signal, onConnected: () => undefined, onAdmitted: () => undefined }
  await askIssuer(ticket, request, { transport, clock }, options)
  const made = cleanup.move()
  return { lanes, [Symbol.asyncDispose]: () => made.disposeAsync() }
}

function message(priority: Priority): Uint8Array {
  const envelope: Envelope = {
    kind: 'test.kind',
    topic: '',
    id: 'ab'.repeat(16),
    priority,
    hlc: 1,
    ttlMs: 1_000,
    trace: '',
    body: new Uint8Array(10),
  }
  return envelopeFrame(FRAME.message, envelope)
}

const whole = message('normal')
const WRITE_BYTES = 64 * 1024

/** What breaks the lane protocol, each in its own way. */
const BREACHES: readonly (readonly [what: string, lane: Lane, bytes: Uint8Array])[] = [
  ['a frame that claims 4 GiB', 'normal', Uint8Array.from([0xff, 0xff, 0xff, 0xff, FRAME.message])],
  ['a frame without a type', 'critical', new Uint8Array(4)],
  ['garbage', 'normal', seededRandom(1).bytes(100_000)],
  ['an envelope that is none', 'normal', frame(FRAME.message, encodeCbor(['no', 'envelope']))],
  ['an envelope that is cut off', 'normal', frame(FRAME.message, whole.subarray(5, whole.byteLength - 4))],
  ['a message on the lane of another priority', 'critical', whole],
  ['a type that nobody knows', 'normal', frame(99, new Uint8Array(16))],
  ['credit for what was never sent', 'control', creditFrame(1 << 20)],
  ['addresses that cannot be read', 'control', frame(FRAME.addresses, encodeCbor('nowhere'))],
]

/** However far it gets before the lane is gone. */
async function sayAll(lanes: RawPeer, lane: Lane, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.byteLength; at += WRITE_BYTES)
      await lanes.say(lane, bytes.subarray(at, at + WRITE_BYTES))
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_CHANNEL_CLOSED')
  }
}

test('members that break the lane protocol lose their lanes, and nobody else notices', {
  timeout: 60_000,
}, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  const peer = ada.report.peer as PeerId
  const { ticket } = await ada.plexus<{ ticket: string }>('invite', '--uses', String(BREACHES.length + 1))
  const faults = async (): Promise<number> => {
    const { components } = await ada.plexus<Status>('status')
    return components.find(({ name }) => name === 'bus')?.figures?.faults ?? 0
  }
  await using members = new AsyncDisposableStack()
  for (const [n, [what, lane, bytes]] of BREACHES.entries()) {
    const { lanes } = members.use(await rawMember(n, ticket))
    await lanes.open(peer)
    assert.deepEqual(lanes.refusals, [], `let in before ${what}`)
    await sayAll(lanes, lane, bytes)
    await eventually(async () => ((await faults()) > n ? true : undefined))
  }
  const { components, state } = await ada.plexus<Status>('status')
  assert.equal(await faults(), BREACHES.length, 'counted once each')
  assert.ok(['ok', 'degraded'].includes(state), JSON.stringify(components))

  const { thought } = await ada.plexus<{ thought: { id: string } }>('think', 'ada goes on')
  await eventually(async () => {
    const { thoughts } = await bohr.plexus<{ thoughts: { id: string; signature: string }[] }>('recall')
    return thoughts.find(({ id, signature }) => id === thought.id && signature === 'valid')
  })
  const { peers } = await ada.plexus<{ peers: { name: string; state: string }[] }>('peers')
  assert.equal(peers.find(({ name }) => name === 'bohr')?.state, 'ready')
})
