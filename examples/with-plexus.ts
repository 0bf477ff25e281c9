/** A server from npm that knows nothing of Plexus, given the network by one call: its client has the tools of both. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { createServer } from '@modelcontextprotocol/server-everything/dist/server/index.js'
import { createNode, withPlexus } from 'plexus'

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
await using node = await createNode({ folder: folder.path, name: 'ada', listen: [], mdns: false })

const { server } = createServer()
// Without `peer`, it takes part through the daemon of this user, which is started when it does not run.
const plexus = withPlexus(server, { peer: node })

const [here, there] = InMemoryTransport.createLinkedPair()
await server.connect(there)
const client = new Client({ name: 'someone', version: '1.0' })
await client.connect(here)
const { tools } = await client.listTools()
console.log(`${tools.length - plexus.tools.length} tools of its own, and ${plexus.tools.join(', ')}`)

await client.callTool({ name: 'thought_share', arguments: { text: 'Seed 7 diverges after step 4000' } })
// The server's own code takes part as well.
const { thoughts } = await plexus.call('thought.recall', { query: 'diverges' })
for (const { text, by } of thoughts) console.log(`${text} (${by.client})`)
await client.close()
