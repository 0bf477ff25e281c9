import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  concatBytes,
  Events,
  HLC_MAX_AHEAD_MS,
  HLC_STEPS_PER_MS,
  type HybridClock,
  type PeerId,
  peerIdOfKey,
  seededRandom,
  silentLogger,
  VirtualClock,
} from '../../../src/base/index.ts'
import { type Counters, counters } from '../../../src/bus/counters.ts'
import { MissedReports } from '../../../src/bus/dissemination/missed-reports.ts'
import { OpenMesh } from '../../../src/bus/dissemination/open-mesh.ts'
import { authoredEnvelope } from '../../../src/bus/envelope.ts'
import type { BusEvents, Message } from '../../../src/bus/index.ts'
import {
  OPEN_AUTHORS_MAX,
  OPEN_AUTHORS_PER_NEIGHBOUR,
  OPEN_GAP_MS,
  OPEN_STREAMS_PER_AUTHOR,
} from '../../../src/bus/limits.ts'
import { OPEN_TAG, Seals } from '../../../src/bus/seals.ts'
import { type Signer, signer, verifier } from '../../../src/identity/index.ts'
import type { OpenJudge, OpenVerdict } from '../../../src/network/index.ts'

const TOPIC = 'open/news'
const random = seededRandom(1)
const neighbour = (n: number): PeerId => peerIdOfKey(new Uint8Array(32).fill(n))

interface Spoken {
  readonly by?: Signer
  readonly number?: number
  readonly prefix?: string
  readonly ageMs?: number
  readonly bytes?: number
}

/** One peer on an open topic, and whatever its neighbours bring. */
class Listener {
  readonly clock = new VirtualClock()
  readonly counters: Counters = counters()
  readonly delivered: Message[] = []
  readonly missed: BusEvents['messages:missed'][] = []
  readonly author: Signer = signer(random.bytes(32))
  readonly self: Signer = signer(random.bytes(32))
  readonly published: Uint8Array[] = []
  readonly mesh: OpenMesh
  readonly #reports: MissedReports
  #judge: OpenJudge = () => 'ignore'

  constructor() {
    const events = new Events<BusEvents>(silentLogger())
    events.on('messages:missed', (report) => void this.missed.push(report))
    this.#reports = new MissedReports({ events, counters: this.counters })
    const hybridClock = {
      isTooFarAhead: (hlc: number) => hlc > (this.clock.now() + HLC_MAX_AHEAD_MS) * HLC_STEPS_PER_MS,
    } as HybridClock
    const { clock } = this
    const seals = new Seals({ signer: this.self, verifier: verifier(), clock, hybridClock })
    this.mesh = new OpenMesh({
      self: this.self.peer,
      openTopics: {
        topics: [TOPIC],
        publish: async (_topic, bytes) => this.published.push(bytes),
        join: (_topic, judge) => {
          this.#judge = judge
          return { [Symbol.dispose]: () => undefined }
        },
        figures: () => ({}),
      },
      seals,
      deliver: (message) => void this.delivered.push(message),
      missed: this.#reports,
      clock,
      random,
      counters: this.counters,
    })
    this.mesh.start()
  }

  said({ by = this.author, number = 1, prefix = '00'.repeat(8), ageMs = 0, bytes = 1 }: Spoken): Uint8Array {
    const id = prefix + number.toString(16).padStart(16, '0')
    const hlc = (this.clock.now() - ageMs) * HLC_STEPS_PER_MS
    const body = new Uint8Array(bytes)
    const envelope = authoredEnvelope({
      kind: 'k',
      topic: TOPIC,
      id,
      author: by.publicKey,
      priority: 'normal',
      hlc,
      ttlMs: 30_000,
      trace: '',
      body,
    })
    return concatBytes(by.sign(OPEN_TAG, envelope), envelope)
  }

  hear(spoken: Spoken, via: PeerId = neighbour(1)): OpenVerdict {
    return this.#judge(this.said(spoken), via)
  }

  hearBytes(bytes: Uint8Array): OpenVerdict {
    return this.#judge(bytes, neighbour(1))
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000))
      this.mesh.keepHouse()
      this.#reports.flush()
    }
  }
}

test('what comes twice, by whatever way and however late, is delivered once', () => {
  const here = new Listener()
  const first = here.said({})
  assert.equal(here.hearBytes(first), 'accept')
  assert.equal(here.hear({}, neighbour(2)), 'ignore')
  for (let second = 0; second < 1_000; second += 10) {
    assert.equal(here.hearBytes(first), 'ignore', `after ${second} s`)
    here.pass(10_000)
  }
  assert.equal(here.delivered.length, 1)
  assert.equal(here.delivered[0]?.from, here.author.peer)
})

test('order does not matter, and gaps are waited for, then told once', () => {
  const here = new Listener()
  for (const number of [3, 1, 7]) assert.equal(here.hear({ number }), 'accept')
  here.pass(OPEN_GAP_MS / 2)
  assert.equal(here.hear({ number: 5 }), 'accept')
  assert.deepEqual(here.missed, [])
  here.pass(2 * OPEN_GAP_MS)
  assert.equal(
    here.missed.reduce((sum, { count }) => sum + count, 0),
    3,
    '2, 4 and 6',
  )
  assert.ok(here.missed.every(({ group, from }) => group === TOPIC && from === here.author.peer))
  here.pass(10 * OPEN_GAP_MS)
  assert.equal(
    here.missed.reduce((sum, { count }) => sum + count, 0),
    3,
  )
})

test('an author that starts anew is heard again', () => {
  const here = new Listener()
  assert.equal(here.hear({ prefix: '01'.repeat(8) }), 'accept')
  assert.equal(here.hear({ prefix: '02'.repeat(8) }), 'accept')
  assert.equal(here.delivered.length, 2)
})

test('too old, from the future, our own, damaged: none is delivered', () => {
  const here = new Listener()
  assert.equal(here.hear({ ageMs: 3_600_000 }), 'ignore')
  assert.equal(here.hear({ ageMs: -HLC_MAX_AHEAD_MS - 1_000 }), 'ignore')
  assert.equal(here.hear({ by: here.self }), 'ignore')
  const bytes = here.said({})
  for (let at = 0; at < bytes.byteLength; at++) {
    const damaged = bytes.slice()
    damaged[at] = (damaged[at] ?? 0) ^ 0x01
    assert.notEqual(here.hearBytes(damaged), 'accept', `byte ${at}`)
  }
  for (let length = 0; length < bytes.byteLength; length++)
    assert.notEqual(here.hearBytes(bytes.subarray(0, length)), 'accept')
  assert.equal(here.delivered.length, 0)
  assert.equal(here.counters.messagesIn, 0)
})

test('an author that says too much is cut off, others are not, and it is heard again later', () => {
  const here = new Listener()
  let accepted = 0
  for (let number = 1; number <= 40; number++)
    if (here.hear({ number, bytes: 60_000 }, neighbour(number)) === 'accept') accepted++
  assert.ok(accepted >= 16 && accepted <= 18, `${accepted} of 59 KiB each of 1 MiB`)
  assert.equal(here.hear({ by: signer(random.bytes(32)) }), 'accept')
  here.clock.advance(1_000)
  assert.equal(here.hear({ number: 41, bytes: 60_000 }), 'accept')
})

test('a neighbour that brings too much is cut off, others are not', () => {
  const here = new Listener()
  let accepted = 0
  for (let n = 0; n < 3_000; n++)
    if (here.hear({ by: here.author, number: n + 1 }, neighbour(1)) === 'accept') accepted++
  assert.equal(accepted, 1_024, 'what one author may say')
  assert.equal(here.hear({ by: signer(random.bytes(32)) }, neighbour(1)), 'ignore', 'nothing more comes this way')
  assert.equal(here.hear({ by: signer(random.bytes(32)) }, neighbour(2)), 'accept')
})

test('the table of authors is bounded, by neighbour too, and empties', { timeout: 60_000 }, () => {
  const here = new Listener()
  let accepted = 0
  for (let n = 0; n < OPEN_AUTHORS_PER_NEIGHBOUR + 10; n++) {
    if (here.hear({ by: signer(random.bytes(32)) }, neighbour(1)) === 'accept') accepted++
  }
  assert.equal(accepted, OPEN_AUTHORS_PER_NEIGHBOUR)
  assert.equal(here.hear({ by: signer(random.bytes(32)) }, neighbour(2)), 'accept')
  assert.ok((here.mesh.figures.openAuthors ?? 0) <= OPEN_AUTHORS_MAX)
  here.pass(700_000)
  assert.equal(here.mesh.figures.openAuthors, 0)
  assert.equal(here.hear({}, neighbour(1)), 'accept')
})

test('an author with ever new beginnings runs out of them', () => {
  const here = new Listener()
  const prefix = (n: number): string => n.toString(16).padStart(16, '0')
  for (let n = 0; n < OPEN_STREAMS_PER_AUTHOR; n++) assert.equal(here.hear({ prefix: prefix(n) }), 'accept')
  assert.equal(here.hear({ prefix: prefix(99) }), 'ignore')
  assert.equal(here.hear({ prefix: prefix(0), number: 2 }), 'accept')
})

test('what we say is what others take, without our traces; too much at once is refused', async () => {
  const [here, there] = [new Listener(), new Listener()]
  const hlc = here.clock.now() * HLC_STEPS_PER_MS
  const draft = {
    kind: 'k',
    topic: TOPIC,
    from: here.self.peer,
    priority: 'high',
    hlc,
    ttlMs: 1_000,
    trace: 'secret',
  } as const
  const { message, sent } = await here.mesh.publish({ ...draft, body: Uint8Array.of(1, 2) }, TOPIC)
  assert.equal(sent, 1)
  assert.equal(there.hearBytes(here.published[0] ?? new Uint8Array(0)), 'accept')
  assert.deepEqual(
    { ...there.delivered[0], body: [...(there.delivered[0]?.body ?? [])] },
    { ...message, trace: '', body: [1, 2] },
  )
  await assert.rejects(here.mesh.publish({ ...draft, body: new Uint8Array(65_536) }, TOPIC), {
    code: 'ERR_MESSAGE_TOO_LARGE',
  })
  const large = (): Promise<unknown> => here.mesh.publish({ ...draft, body: new Uint8Array(60_000) }, TOPIC)
  await assert.rejects(
    async () => {
      for (let n = 0; n < 20; n++) await large()
    },
    { code: 'ERR_OVERLOADED' },
  )
  here.clock.advance(100)
  await large()
})
