import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { EventBatch, NodeEvent } from '../../../src/node/index.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

const CLI = join(import.meta.dirname, '../../../src/cli/main.ts')

function follow(home: string, profile: string, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CLI, 'events', '--follow', '--profile', profile, ...args], {
    env: { PATH: process.env.PATH, HOME: home, PLEXUS_HOME: home, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

test('events of a peer are shown as they happen, until Ctrl-C', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const child = follow(profiles.home, 'ada', '--kind', 'peer:*', '--json')
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  await profiles.joined('ada', 'bohr')
  const seen: NodeEvent[] = []
  while (!seen.some(({ kind }) => kind === 'peer:ready')) seen.push(JSON.parse((await lines.next()).value as string))
  const ready = seen.find(({ kind }) => kind === 'peer:ready')
  assert.deepEqual([ready?.component, ready?.name, ready?.level], ['bus', 'bohr', 'info'])
  child.kill('SIGINT')
  assert.equal(await ended, 130)
})

test('a follower learns that the daemon has gone', async () => {
  await using profiles = new Profiles()
  const ada = profiles.peer('ada')
  await ada.up()
  const child = follow(profiles.home, 'ada')
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next()
  child.stdout!.resume()
  await ada.down()
  assert.equal(await ended, 3)
})

test('one question from an agent carries one trace over all peers, by its _meta and by the HTTP header', async () => {
  await using profiles = new Profiles()
  await profiles.joined('ada', 'bohr', 'curie')
  const ada = profiles.peer('ada')
  await ada.plexus('peers', '--wait', '2')
  const question = { name: 'research_ask', arguments: { question: 'consensus' } }
  const stdio = await ada.mcp('tester')
  const first = '0af7651916cd43dd8448eb211c80319c'
  await stdio.callTool({ ...question, _meta: { traceparent: `00-${first}-b7ad6b7169203331-01` } })
  await stdio.close()

  const second = '1af7651916cd43dd8448eb211c80319c'
  const token = readFileSync(join(profiles.home, 'ada', 'http-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, traceparent: `00-${second}-b7ad6b7169203331-01` }
  const http = new Client({ name: 'tester', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await http.connect(new StreamableHTTPClientTransport(new URL(ada.report.daemon.mcpUrl), { requestInit: { headers } }))
  await http.callTool(question)
  await http.close()

  for (const trace of [first, second]) {
    const [asked] = (await ada.plexus<EventBatch>('events', '--trace', trace)).events
    assert.equal(asked?.details.operation, 'research.ask')
    assert.equal(asked?.details.parentSpanId, 'b7ad6b7169203331')
    for (const name of ['bohr', 'curie']) {
      const peer = profiles.peer(name)
      const answered = await eventually(async () => {
        const { events } = await peer.plexus<EventBatch>('events', '--trace', trace)
        return events.find(({ details }) => details.kind === 'research.query')
      })
      assert.deepEqual([answered.component, answered.name], ['bus', 'ada'])
      assert.equal(answered.details.parentSpanId, asked?.details.spanId)
    }
  }
})
