import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hexOf, type PeerId, type SpaceId, systemRandom } from '../../../src/base/index.ts'
import { createNode, type PlexusNode } from '../../../src/index.ts'
import { encodeQuery, QUERY_KIND } from '../../../src/research/wire.ts'
import { PARTS_BYTES } from '../../../src/sync/range-tree.ts'
import {
  decodeSinceAnswer,
  encodeRangeRequest,
  encodeSinceRequest,
  RANGE_MAX_NODES,
} from '../../../src/sync/range-wire.ts'
import { encodeHave, encodeRec, encodeWant, HAVE_MAX_LOGS, WANT_MAX_RANGES } from '../../../src/sync/wire.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

interface Status {
  readonly state: string
  readonly records: number
  readonly spaces: readonly { readonly personal: boolean; readonly progress: { readonly behind: number } }[]
  readonly components: readonly { readonly name: string; readonly figures?: Readonly<Record<string, number>> }[]
}

const random = systemRandom()

function figure({ components }: Status, component: string, name: string): number {
  return components.find((one) => one.name === component)?.figures?.[name] ?? 0
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** A member like any other, whose program does as its owner likes. */
async function liarOf(profiles: Profiles, host: string): Promise<PlexusNode> {
  const { ticket } = await profiles.peer(host).plexus<{ ticket: string }>('invite')
  const folder = join(profiles.home, 'liar')
  const liar = await createNode({ folder, name: 'liar', listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false })
  await liar.call('space.join', { ticket })
  return liar
}

function sharedSpace(node: PlexusNode): SpaceId {
  const space = node.spaces.list().find(({ personal }) => !personal)
  assert.ok(space !== undefined)
  return space.id
}

/** Asks by a cursor again while the answer is that it asks too much. */
async function asksUntilHeard(liar: PlexusNode, peer: PeerId, question: Uint8Array): Promise<Uint8Array> {
  return await eventually(async () => {
    return await liar.bus.request(peer, 'sync.since', question).catch(() => undefined)
  })
}

const noProc = { skip: process.platform === 'linux' ? false : 'there is no /proc', timeout: 60_000 }

test('a member that claims, wants and sends what is not is cut off, and nobody else notices', noProc, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  await using liar = await liarOf(profiles, 'ada')
  const space = sharedSpace(liar)
  const { pid } = ada.report.daemon
  const peer = ada.report.peer as PeerId
  const before = residentMib(pid)
  const { records } = await ada.plexus<Status>('status')

  const logs = Array.from({ length: HAVE_MAX_LOGS }, () => `01${hexOf(random.bytes(7))}`)
  for (let page = 0; page < 20; page++) {
    const claims = logs.map((log) => {
      const end = hexOf(random.bytes(2))
      return { author: liar.peer, log: log.slice(0, 12) + end, base: 1, seq: 2 ** 53 - 1, shortId: '00'.repeat(8) }
    })
    await liar.bus.send(peer, 'sync.have', encodeHave({ space, claims, more: false, fingerprint: undefined }))
  }
  const range = { author: peer, log: logs[0] ?? '', from: 1, to: 2 ** 53 - 1 }
  const ranges = Array<typeof range>(WANT_MAX_RANGES).fill(range)
  for (let want = 1; want <= 100; want++) {
    await liar.bus.send(peer, 'sync.want', encodeWant({ space, want, headersOnly: false, ranges }))
  }
  // The widest of questions, many times over: answered up to a measure.
  const nodes = Array.from({ length: RANGE_MAX_NODES }, (_, n) => {
    return { prefix: n.toString(16).padStart(2, '0'), parts: random.bytes(PARTS_BYTES) }
  })
  const question = encodeRangeRequest({ space, group: 'durable', nodes })
  const asked = Array.from({ length: 160 }, () => liar.bus.request(peer, 'sync.range', question))
  const answered = (await Promise.allSettled(asked)).filter(({ status: outcome }) => outcome === 'fulfilled').length
  assert.ok(answered > 50 && answered < 150, `${answered} answered`)
  const cursor = encodeSinceRequest({ space, storeId: random.bytes(16), rid: 2 ** 40 })
  assert.equal(decodeSinceAnswer(await asksUntilHeard(liar, peer, cursor)).news, undefined)
  for (let want = 1; want <= 5; want++) {
    await liar.bus.send(peer, 'sync.rec', encodeRec({ space, want, last: false, frames: random.bytes(1_000) }))
  }
  for (const kind of ['sync.have', 'sync.want', 'sync.rec', 'sync.done'])
    await liar.bus.send(peer, kind, random.bytes(100))

  const status = await eventually(async () => {
    const now = await ada.plexus<Status>('status')
    return figure(now, 'sync', 'peersCutOff') === 1 ? now : undefined
  })
  const faults = ['malformed', 'unasked', 'short', 'excess'].map((fault) => figure(status, 'sync', `fault:${fault}`))
  assert.ok(faults.reduce((sum, count) => sum + count) >= 3, JSON.stringify(faults))
  assert.ok(figure(status, 'sync', 'questionsRefused') > 10)
  await eventually(async () => {
    const { spaces } = await ada.plexus<Status>('status')
    return spaces.every(({ progress }) => progress.behind === 0) ? true : undefined
  })
  assert.ok(residentMib(pid) - before < 250, `${before} MiB grew to ${residentMib(pid)} MiB`)

  const { thought } = await bohr.plexus<{ thought: { id: string } }>('think', 'bohr goes on')
  await eventually(async () => {
    const { thoughts } = await ada.plexus<{ thoughts: { id: string; signature: string }[] }>('recall')
    return thoughts.find(({ id, signature }) => id === thought.id && signature === 'valid')
  })
  assert.equal((await ada.plexus<Status>('status')).records, records + 1)
})

test('a member that asks a thousand questions at once leaves the daemon to its owner', noProc, async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr')
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  const words = 'consensus of distributed network graph learning deep model data systems'
  const entries = Array.from(
    { length: 1_500 },
    (_, n) => `@article{k${n}, title={${words} ${n}}, year=${1900 + (n % 120)}}`,
  )
  const file = join(profiles.home, 'many.bib')
  writeFileSync(file, entries.join('\n'))
  await ada.plexus('research', 'import', file)
  await using liar = await liarOf(profiles, 'ada')
  const query = encodeQuery({ text: words, spaces: [sharedSpace(liar)], limit: 200 })
  const peer = ada.report.peer as PeerId
  const asked = Array.from({ length: 1_000 }, () => liar.bus.request(peer, QUERY_KIND, query, { timeoutMs: 50_000 }))
  const outcomes = Promise.allSettled(asked)
  // Answered in between, not after: by then the questions are on their way.
  await ada.plexus('think', 'ada works on')
  const status = await ada.plexus<Status>('status')
  assert.equal(figure(status, 'bus', 'peersReady'), 2, 'nobody was taken for dead')
  const answered = (await outcomes).filter(({ status: outcome }) => outcome === 'fulfilled').length
  assert.ok(answered >= 1 && answered < 500, `${answered} answered`)
  assert.ok(figure(await ada.plexus<Status>('status'), 'research', 'queriesRefused') > 500)

  const { coverage } = await bohr.plexus<{ coverage: { answered: number } }>(
    'research',
    'find',
    'consensus',
    '--from',
    'all',
  )
  assert.ok(coverage.answered >= 1)
})
