/** Two whole peers in one program: one invites the other and shares a thought; the other recalls it, its author proven. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'plexus'

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
const loopback = { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false }
await using ada = await createNode({ folder: join(folder.path, 'ada'), name: 'ada', ...loopback })
await using bohr = await createNode({ folder: join(folder.path, 'bohr'), name: 'bohr', ...loopback })

// A ticket lets one device in, once. It holds a secret: hand it over as you would a key.
const { ticket } = await ada.call('space.invite', {})
await bohr.call('space.join', { ticket })

const arrived = bohr.journal.events.next('record:stored', {
  signal: AbortSignal.timeout(10_000),
  matches: ({ own }) => !own,
})
await ada.call('thought.share', { text: 'Seed 7 diverges after step 4000' })
await arrived

const { thoughts } = await bohr.call('thought.recall', { query: 'diverges' })
for (const { text, author, signature } of thoughts) console.log(`${author.name}: ${text} (signature ${signature})`)
