/**
 * `node founder.ts FOLDER RECORDS`: a peer over libp2p that founds a space and writes so many records of about 1 KiB into it.
 * Answers lines on its standard input with lines of JSON: `ticket TTL_MS`, `append N`, `figures`. Ends with its input.
 */
import { createInterface } from 'node:readline'
import { type SpaceId, systemClock } from '../../../src/base/index.ts'
import { LOG_CLASS } from '../../../src/records/index.ts'
import { startLibp2pPeer } from '../../support/libp2p-peer.ts'

const [folder = '', records = '0'] = process.argv.slice(2)
const clock = systemClock()
await using peer = await startLibp2pPeer({ name: 'founder', seed: 101, clock, path: `${folder}/founder.db` })
const space = (await peer.spaces.create({ name: 'lab', personal: false })).id

async function append(count: number): Promise<void> {
  const draft = { space, class: LOG_CLASS.durable, kind: 64, body: { text: 'x'.repeat(720) } }
  for (let left = count; left > 0; left -= 1000) {
    await peer.journal.appendAll(Array.from({ length: Math.min(1000, left) }, () => draft))
  }
}

async function ticket(ttlMs: number): Promise<string> {
  const addresses = peer.transport.addresses()
  return (await peer.spaces.invite(space, { role: 'writer', uses: 1, ttlMs, addresses })).ticket
}

function reply(answer: { readonly space?: SpaceId; readonly ticket?: string; readonly figures?: unknown }): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

await append(Number(records))
reply({ space })
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument = '0'] = line.split(' ')
  if (command === 'ticket') reply({ ticket: await ticket(Number(argument)) })
  else if (command === 'append') {
    await append(Number(argument))
    reply({})
  } else reply({ figures: peer.sync.status().figures })
}
