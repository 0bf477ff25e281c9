/** A memory for one program: thoughts, kept, searched, signed. No network, no MCP, no daemon. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'plexus'

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
// Without a network a peer is a library over one file.
await using node = await createNode({ folder: folder.path, name: 'ada', network: false })

const text = 'The cache is cold after midnight'
const { thought } = await node.call('thought.share', { text })
await node.call('thought.share', {
  text: 'Since Monday the nightly job keeps the cache warm',
  links: [{ rel: 'contradicts', to: thought.id }],
})

// What was contradicted comes back with its contradiction, so that nobody takes half of it for the truth.
const { thoughts } = await node.call('thought.recall', { query: 'cache at midnight' })
for (const { text, contradictedBy } of thoughts) console.log(`${text} (contradicted by ${contradictedBy.length})`)
