/** `node writing-peer.ts FOLDER ROUND`: a whole peer that shares thoughts until it is killed, and prints each one once it is acknowledged. */
import { writeSync } from 'node:fs'
import { createNode } from '../../src/index.ts'

const [folder = '', round = ''] = process.argv.slice(2)
const node = await createNode({ folder, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false })
for (let n = 0; ; n++) {
  const text = `round ${round} thought ${n}`
  // Several at once, so that a kill falls into commits of many records as well as of one.
  const batch = await Promise.all(
    Array.from({ length: 1 + (n % 5) }, (_, part) => node.call('thought.share', { text: `${text} part ${part}` })),
  )
  for (const shared of batch as { thought: { id: string; text: string } }[]) {
    writeSync(1, `${shared.thought.id}\t${shared.thought.text}\n`)
  }
}
