import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client } from '@modelcontextprotocol/client'
import type { PeerId } from '../src/base/index.ts'
import type { FindReport } from '../src/research/index.ts'
import { type DemoPeer, PeerCommandError } from './peer.ts'
import { refusalOfLanes } from './stranger.ts'

/** What one line of the demonstration found: shown to people, and whole in `--json`. */
export interface StepResult {
  readonly summary: readonly string[]
  readonly figures: Readonly<Record<string, unknown>>
}

export interface Cast {
  readonly ada: DemoPeer
  readonly bohr: DemoPeer
  readonly curie: DemoPeer
  readonly mallory: DemoPeer
}

interface PeersReport {
  readonly peers: readonly {
    readonly name: string
    readonly state: string
    readonly rttMs?: number
    readonly encryption?: string
  }[]
}

const BIBLIOGRAPHY = fileURLToPath(new URL('./bibliography.bib', import.meta.url))
const BIBLIOGRAPHY_MIN_PAPERS = 60
const WAIT_TIMEOUT_MS = 30_000
const AWAY_THOUGHTS = 500

export async function identities({ ada, bohr, curie }: Cast): Promise<StepResult> {
  const peers = [ada, bohr, curie]
  const reports = await Promise.all(peers.map((peer) => peer.up()))
  check(new Set(reports.map((report) => report.peer)).size === peers.length, 'every peer has a key of its own')
  check(new Set(reports.map((report) => report.daemon.pid)).size === peers.length, 'every peer is a process of its own')
  return {
    summary: [peers.map((peer) => `${peer.name} ${peer.report.peer.slice(-8)}`).join('   ')],
    figures: { peers: Object.fromEntries(peers.map((peer) => [peer.name, peer.report.peer])) },
  }
}

export async function network(cast: Cast): Promise<StepResult> {
  const { ada, bohr, curie } = cast
  const first = await ada.plexus<{ ticket: string }>('invite')
  await bohr.plexus('join', first.ticket)
  const second = await ada.plexus<{ ticket: string }>('invite')
  await curie.plexus('join', second.ticket)
  const links: Record<string, number> = {}
  let encryption: string | undefined
  for (const peer of [ada, bohr, curie]) {
    const { peers } = await peer.plexus<PeersReport>('peers', '--wait', '2')
    for (const other of peers) check(other.state === 'ready', `${peer.name} reaches ${other.name}`)
    encryption ??= peers[0]?.encryption
  }
  for (const [from, to] of [
    [ada, bohr],
    [ada, curie],
    [bohr, curie],
  ] as const) {
    const { medianMs } = await from.plexus<{ medianMs: number }>('ping', to.name, '--count', '9')
    links[`${from.name}<->${to.name}`] = medianMs
  }
  const stranger = await refusedStranger(cast, first.ticket)
  const shown = Object.entries(links).map(([link, rtt]) => `${link} ${rtt.toFixed(1)} ms`)
  return {
    summary: [
      `${shown.join('   ')}   encrypted with ${encryption ?? 'nothing'}`,
      `mallory, uninvited, tries a used ticket: refused, "${stranger.ticket}"`,
      `mallory opens lanes without a ticket: refused, "${stranger.lanes}"`,
    ],
    figures: { medianRttMs: links, encryption, stranger },
  }
}

/** A fourth peer tries a ticket that was used already, then the lanes without any: both must fail, each with its reason. */
async function refusedStranger(
  { ada, mallory }: Cast,
  usedTicket: string,
): Promise<{ readonly ticket: string; readonly lanes: string }> {
  await mallory.up()
  const refusal = await mallory.plexus('join', usedTicket).then(
    () => undefined,
    (error: unknown) => error,
  )
  check(
    refusal instanceof PeerCommandError && refusal.code === 'ERR_JOIN_REFUSED',
    `a used ticket is refused, not: ${String(refusal)}`,
  )
  const { spaces } = await mallory.plexus<{ spaces: { personal: boolean }[] }>('status')
  check(
    spaces.every((space) => space.personal),
    'the stranger is a member of nothing',
  )
  await mallory.down()
  const lanes = await refusalOfLanes(ada.report.peer as PeerId, ada.report.addresses)
  return { ticket: refusal instanceof PeerCommandError ? refusal.reason : '', lanes }
}

export async function research({ ada, bohr, curie }: Cast): Promise<StepResult> {
  const written = readFileSync(BIBLIOGRAPHY, 'utf8').match(/^@(?!comment|string|preamble)/gim)?.length ?? 0
  const started = performance.now()
  const report = await ada.plexus<{ read: number; added: number; merged: number; rejected: unknown[] }>(
    'research',
    'import',
    BIBLIOGRAPHY,
  )
  const importMs = performance.now() - started
  check(report.read === written && report.rejected.length === 0, `all ${written} entries are read, not ${report.read}`)
  check(report.added >= BIBLIOGRAPHY_MIN_PAPERS, `${report.added} papers are enough to look around in`)
  const everywhere = await until('curie holds every paper', async () => {
    const [there, alsoThere] = await Promise.all([paperCount(curie), paperCount(bohr)])
    return there === report.added && alsoThere === report.added ? performance.now() - started - importMs : undefined
  })
  const found = await curie.plexus<FindReport>('research', 'find', 'byzantine agreement', '--from', 'all')
  const [best] = found.results
  check(best !== undefined, 'a search on curie finds what ada imported')
  const citations = await citationCount(curie)
  check(citations > 0, 'the citations among the papers travelled too')
  return {
    summary: [
      `${report.added} papers and ${citations} citations imported on ada in ${seconds(importMs)}; on all peers ${seconds(everywhere)} later`,
      `"byzantine agreement" asked on curie: ${found.results.length} hits, first "${best?.title ?? ''}"`,
    ],
    figures: {
      read: report.read,
      added: report.added,
      citations,
      importMs,
      spreadMs: everywhere,
      hits: found.results.length,
      first: best?.title,
    },
  }
}

export async function thoughts({ ada, bohr, curie }: Cast): Promise<StepResult> {
  const text =
    'Gradient noise in the small-batch runs looks like label noise, not like a learning rate that is too high'
  const clients = {
    ada: await ada.mcp('demo-writer'),
    bohr: await bohr.mcp('demo-reader'),
    curie: await curie.mcp('demo-reader'),
  }
  try {
    const shared = await callTool(clients.ada, 'thought_share', { text, kind: 'hypothesis', topic: 'training' })
    const id = String(shared.id)
    const started = performance.now()
    const seen = await Promise.all(
      (
        [
          ['bohr', clients.bohr],
          ['curie', clients.curie],
        ] as const
      ).map(async ([name, client]) => {
        const item = await until(`${name} recalls the thought`, () => recalled(client, 'gradient label noise', id))
        const afterMs = performance.now() - started
        check(item.author === 'ada', `the author is ada, not ${String(item.author)}`)
        check(item.peer === ada.report.peer, 'the author is known by its key')
        check(item.signature === 'valid', `the signature is valid, not ${String(item.signature)}`)
        return [name, afterMs] as const
      }),
    )
    return {
      summary: [
        `ada's agent shares "${text.slice(0, 60)}..."`,
        `recalled by ${seen.map(([name, ms]) => `${name}'s agent after ${ms.toFixed(0)} ms`).join(', ')}`,
        `author ada (${ada.report.peer.slice(-8)}), signature valid; all over the official MCP client`,
      ],
      figures: { id, recalledAfterMs: Object.fromEntries(seen), author: ada.report.peer, signature: 'valid' },
    }
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.close()))
  }
}

export async function catchUp({ ada, bohr }: Cast): Promise<StepResult> {
  bohr.kill()
  const topic = 'while bohr was away'
  const texts = Array.from(
    { length: AWAY_THOUGHTS },
    (_, index) => `Measurement ${index + 1} of ${AWAY_THOUGHTS}, taken alone`,
  )
  const writer = await ada.mcp('demo-writer')
  const startedSharing = performance.now()
  try {
    for (const text of texts) await callTool(writer, 'thought_share', { text, topic })
  } finally {
    await writer.close()
  }
  const shareMs = performance.now() - startedSharing
  const restarted = performance.now()
  await bohr.up()
  const upMs = performance.now() - restarted
  const held = await until('bohr holds every thought', async () => {
    const found = await thoughtsOn(bohr, topic)
    return found.length === AWAY_THOUGHTS ? found : undefined
  })
  const caughtUpMs = performance.now() - restarted
  const inOrder = held.toSorted((a, b) => a.at - b.at || texts.indexOf(a.text) - texts.indexOf(b.text))
  check(
    inOrder.every((thought, index) => thought.text === texts[index]),
    'the order is the order of writing',
  )
  check(
    held.every((thought) => thought.signature === 'valid' && thought.author.peer === ada.report.peer),
    'every signature is valid',
  )
  return {
    summary: [
      `bohr killed (SIGKILL); ${AWAY_THOUGHTS} thoughts shared meanwhile in ${seconds(shareMs)}`,
      `bohr restarted in ${seconds(upMs)}, holds ${held.length} of ${AWAY_THOUGHTS} after ${seconds(caughtUpMs)}, order and signatures checked`,
    ],
    figures: { shared: AWAY_THOUGHTS, held: held.length, shareMs, restartMs: upMs, caughtUpMs },
  }
}

interface HeldThought {
  readonly text: string
  readonly at: number
  readonly signature: string
  readonly author: { readonly peer: string }
}

async function thoughtsOn(peer: DemoPeer, topic: string): Promise<readonly HeldThought[]> {
  const { thoughts: found } = await peer.plexus<{ thoughts: HeldThought[] }>(
    'recall',
    '--topic',
    topic,
    '--limit',
    String(AWAY_THOUGHTS + 1),
  )
  return found
}

async function paperCount(peer: DemoPeer): Promise<number> {
  return await figure(peer, 'research', 'papers')
}

async function citationCount(peer: DemoPeer): Promise<number> {
  return await figure(peer, 'research', 'citations')
}

async function figure(peer: DemoPeer, component: string, name: string): Promise<number> {
  const { components } = await peer.plexus<{ components: { name: string; figures?: Record<string, number> }[] }>(
    'status',
  )
  return components.find((candidate) => candidate.name === component)?.figures?.[name] ?? 0
}

async function callTool(client: Client, name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args })
  if (result.isError === true) throw new Error(`${name}: ${JSON.stringify(result.content).slice(0, 200)}`)
  return (result.structuredContent ?? {}) as Record<string, unknown>
}

async function recalled(client: Client, query: string, id: string): Promise<Record<string, unknown> | undefined> {
  const { results } = await callTool(client, 'search', { query, kinds: ['thought'] })
  return (results as Record<string, unknown>[]).find((item) => item.id === id)
}

/** Asks again until there is an answer; a wait that ends without one says what was waited for. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + WAIT_TIMEOUT_MS
  while (performance.now() < deadline) {
    const answer = await ask()
    if (answer !== undefined) return answer
  }
  throw new Error(`waited ${seconds(WAIT_TIMEOUT_MS)} in vain: ${what}`)
}

function check(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`this does not hold: ${claim}`)
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
