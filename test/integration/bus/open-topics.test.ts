import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { on, once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import { createLibp2p } from 'libp2p'
import {
  codeOf,
  HLC_STEPS_PER_MS,
  type PeerId,
  peerIdOfKey,
  silentLogger,
  systemClock,
  systemRandom,
  utf8,
} from '../../../src/base/index.ts'
import { authoredEnvelope } from '../../../src/bus/envelope.ts'
import type { Message } from '../../../src/bus/index.ts'
import { MESSAGE_TAG, OPEN_TAG } from '../../../src/bus/seals.ts'
import { signer } from '../../../src/identity/index.ts'
import { GOSSIP_WRITE_BUFFER_BYTES } from '../../../src/network/adapters/libp2p/gossip-service.ts'
import { gossipTopics, libp2pTransport } from '../../../src/network/index.ts'
import { type Listener, listener } from '../../support/mesh.ts'

const TOPIC = 'open/news'
/** RFC 8410: what stands before the 32 bytes of a key. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** Does it again and again until something comes of it: a mesh takes a heartbeat or two to form, and tells nobody. */
async function repeatUntil(
  outcome: Promise<unknown>,
  act: () => Promise<unknown>,
  { signal }: TestContext,
): Promise<void> {
  let isOver = false
  const over = outcome.then(() => {
    isOver = true
  })
  while (!isOver) {
    await act()
    await Promise.race([over, wait(100, undefined, { signal })])
  }
}

async function untilMeshed(t: TestContext, from: Listener, to: Listener): Promise<void> {
  const heard = Promise.withResolvers<void>()
  using _subscription = to.bus.subscribe(TOPIC, { kinds: ['probe'] }, () => heard.resolve())
  await repeatUntil(heard.promise, () => from.bus.publish(TOPIC, 'probe', utf8('?')), t)
}

async function link(
  from: Listener,
  to: Pick<Listener, 'peer'> & { readonly addresses: readonly string[] },
): Promise<void> {
  await from.transport.dial(to.peer, to.addresses)
}

function addressed(one: Listener): Parameters<typeof link>[1] {
  return { peer: one.peer, addresses: one.transport.addresses() }
}

test('what one says on an open topic reaches all who listen, once, from whom it says it is', {
  timeout: 60_000,
}, async (t) => {
  await using stack = new AsyncDisposableStack()
  const all: Listener[] = []
  for (let n = 0; n < 5; n++) all.push(stack.use(await listener([TOPIC])))
  // A chain: the last hears what others pass on.
  for (let n = 1; n < 5; n++)
    await all[n]?.transport.dial(all[n - 1]?.peer as PeerId, all[n - 1]?.transport.addresses() ?? [])
  const [first, last] = [all[0] as Listener, all[4] as Listener]
  await untilMeshed(t, first, last)
  await untilMeshed(t, last, first)

  const heard = all.map(() => [] as Message[])
  const complete = all.map(() => Promise.withResolvers<void>())
  for (const [n, one] of all.entries()) {
    stack.use(
      one.bus.subscribe('open/**', { kinds: ['note'], capacity: 2000 }, (message) => {
        heard[n]?.push(message)
        if (heard[n]?.length === 200) complete[n]?.resolve()
      }),
    )
    stack.use(one.bus.subscribe('**', {}, () => assert.fail('open topics are heard only by who asks for them')))
  }
  for (let n = 0; n < 100; n++) {
    for (const author of [first, last]) await author.bus.publish(TOPIC, 'note', utf8(`${n} of ${author.peer}`))
  }
  await Promise.all(complete.map(({ promise }) => promise))
  for (const messages of heard) {
    assert.equal(new Set(messages.map(({ id }) => id)).size, 200)
    for (const { from, body } of messages) assert.ok(Buffer.from(body).toString().endsWith(from))
  }
})

test('what is forged is neither heard nor passed on', { timeout: 60_000 }, async (t) => {
  const [clock, log] = [systemClock(), silentLogger()]
  await using near = await listener([TOPIC])
  await using far = await listener([TOPIC])
  await link(far, addressed(near))
  await untilMeshed(t, near, far)
  // A program of its own that speaks gossipsub, and nothing else of ours.
  const mesh = gossipTopics({ topics: [TOPIC] })({ clock })
  const deviceSeed = systemRandom().bytes(32)
  await using forger = await libp2pTransport({ deviceSeed, extras: [mesh] })({ clock, log })
  await forger.start()
  using _joined = mesh.join(TOPIC, () => 'ignore')
  await forger.dial(near.peer, near.transport.addresses())

  const author = signer(deviceSeed)
  const kinds: string[] = []
  for (const { bus } of [near, far]) bus.subscribe('open/**', {}, ({ kind }) => void kinds.push(kind))
  const make = (kind: string, changes: { topic?: string; as?: Uint8Array; tag?: string; hlc?: number }): Buffer => {
    const { topic = TOPIC, as = author.publicKey, tag = OPEN_TAG, hlc = Date.now() * HLC_STEPS_PER_MS } = changes
    const id = `${Buffer.from(systemRandom().bytes(8)).toString('hex')}0000000000000001`
    const envelope = authoredEnvelope({
      kind,
      topic,
      id,
      author: as,
      priority: 'normal',
      hlc,
      ttlMs: 30_000,
      trace: '',
      body: utf8('x'),
    })
    return Buffer.concat([author.sign(tag, envelope), envelope])
  }
  const forged = [
    make('in-the-name-of-another', { as: far.signer.publicKey }),
    make('signed-for-something-else', { tag: MESSAGE_TAG }),
    make('of-another-topic', { topic: 'open/other' }),
    make('from-long-ago', { hlc: (Date.now() - 3_600_000) * HLC_STEPS_PER_MS }),
    Buffer.from('no envelope at all'),
    Buffer.alloc(0),
  ]
  const refusals = (): number =>
    (near.bus.status().figures?.faults ?? 0) + (near.bus.status().figures?.droppedUntimely ?? 0)
  const heard = Promise.withResolvers<void>()
  using _genuine = near.bus.subscribe('open/**', { kinds: ['genuine'] }, () => heard.resolve())
  await repeatUntil(heard.promise, () => mesh.publish(TOPIC, make('genuine', {})), t)
  for (const bytes of forged) await mesh.publish(TOPIC, bytes)
  while (refusals() < forged.length) await wait(20, undefined, { signal: t.signal })
  assert.deepEqual(
    [...new Set(kinds)].filter((kind) => kind !== 'probe'),
    ['genuine'],
  )
  assert.equal(far.bus.status().figures?.faults, 0, 'nothing forged came that far')
})

test('another program of libp2p hears and speaks, with what the specification says', { timeout: 60_000 }, async (t) => {
  await using here = await listener([TOPIC])
  const other = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ globalSignaturePolicy: 'StrictNoSign' }) },
  })
  try {
    const { pubsub } = other.services
    const arrived = Promise.withResolvers<Uint8Array>()
    pubsub.addEventListener('message', ({ detail }) => arrived.resolve(detail.data))
    pubsub.subscribe(TOPIC)
    await other.dial(here.transport.addresses().map((address) => multiaddr(address)))
    await repeatUntil(arrived.promise, () => here.bus.publish(TOPIC, 'note', utf8('hello')), t)
    const data = Buffer.from(await arrived.promise)
    const [signature, envelope] = [data.subarray(0, 64), data.subarray(64)]
    const key = createPublicKey({
      key: Buffer.concat([ED25519_SPKI, here.signer.publicKey]),
      format: 'der',
      type: 'spki',
    })
    assert.ok(verify(null, Buffer.concat([utf8('plexus/open/1'), envelope]), key, signature))
    const [version, kind, topic, , author, , , , , body] = decode(envelope) as unknown[]
    assert.deepEqual([version, kind, topic], [1, 'note', TOPIC])
    assert.deepEqual([author, body], [here.signer.publicKey, utf8('hello')])

    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    const id = Buffer.from('01010101010101010000000000000001', 'hex')
    const fields = [1, 'reply', TOPIC, id, raw, 2, Date.now() * HLC_STEPS_PER_MS, 30_000, '', utf8('hello to you')]
    const signed = encode(
      fields.map((field) => (Buffer.isBuffer(field) ? new Uint8Array(field) : field)),
      rfc8949EncodeOptions,
    )
    const heard = here.bus.subscribe(TOPIC, { kinds: ['reply'] })
    await pubsub.publish(
      TOPIC,
      Buffer.concat([sign(null, Buffer.concat([utf8('plexus/open/1'), signed]), privateKey), signed]),
    )
    for await (const { from, body: said } of heard) {
      assert.equal(from, peerIdOfKey(new Uint8Array(raw)))
      assert.deepEqual(said, utf8('hello to you'))
      break
    }
  } finally {
    await other.stop()
  }
})

test('a link that was lost and came back carries messages again', { timeout: 60_000 }, async (t) => {
  await using a = await listener([TOPIC])
  await using b = await listener([TOPIC])
  for (let round = 0; round < 3; round++) {
    await link(a, addressed(b))
    await untilMeshed(t, a, b)
    await untilMeshed(t, b, a)
    const gone = b.transport.events.next('peer:disconnect', { signal: AbortSignal.timeout(10_000) })
    await a.transport.disconnect(b.peer, 'test')
    await gone
  }
})

test('a topic that was not named does not exist', { timeout: 60_000 }, async () => {
  await using a = await listener([TOPIC])
  await assert.rejects(a.bus.publish('open/other', 'note', utf8('x')), { code: 'ERR_TOPIC_INVALID' })
  await assert.rejects(a.bus.publish(TOPIC, 'note', new Uint8Array(64 * 1024)), { code: 'ERR_MESSAGE_TOO_LARGE' })
  assert.deepEqual(await a.bus.publish(TOPIC, 'note', utf8('nobody listens')), { sent: 0, skipped: [] })
})

test('a frozen listener is let go before it costs much, keeps nobody waiting, and hears again when it wakes', {
  timeout: 90_000,
}, async (t) => {
  await using a = await listener([TOPIC])
  await using lively = await listener([TOPIC])
  const child = fork(new URL('./open-listener.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  try {
    const [frozen] = (await once(child, 'message')) as [Parameters<typeof link>[1]]
    await link(a, frozen)
    await link(a, addressed(lively))
    await untilMeshed(t, a, lively)
    await repeatUntil(once(child, 'message'), () => a.bus.publish(TOPIC, 'probe', utf8('?')), t)
    child.kill('SIGSTOP')

    // More than may wait for it: its stream is reset, and everybody else hears all of it.
    const [count, body] = [50, new Uint8Array(60 * 1024)]
    let heard = 0
    const all = Promise.withResolvers<void>()
    lively.bus.subscribe(TOPIC, { kinds: ['note'] }, () => {
      if (++heard === count) all.resolve()
    })
    for (let n = 0; n < count; ) {
      try {
        await a.bus.publish(TOPIC, 'note', body)
        n++
      } catch (error) {
        assert.equal(codeOf(error), 'ERR_OVERLOADED')
        await wait(20, undefined, { signal: t.signal })
      }
    }
    await all.promise
    assert.ok(count * body.byteLength > 2 * GOSSIP_WRITE_BUFFER_BYTES)
    while ((a.bus.status().figures?.openResets ?? 0) === 0) await wait(100, undefined, { signal: t.signal })

    child.kill('SIGCONT')
    const woken = (async (): Promise<void> => {
      for await (const [{ kind }] of on(child, 'message')) if (kind === 'awake') return
    })()
    await repeatUntil(woken, () => a.bus.publish(TOPIC, 'awake', utf8('x')), t)
  } finally {
    child.kill('SIGKILL')
  }
})
