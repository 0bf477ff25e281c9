/** Two whole peers in one program: one invites the other, shares a thought, and the other recalls it with its author proven. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'plexus'

const folder = mkdtempSync(join(tmpdir(), 'plexus-example-'))
const loopback = { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false }
{
  await using ada = await createNode({ folder: join(folder, 'ada'), name: 'ada', ...loopback })
  await using bohr = await createNode({ folder: join(folder, 'bohr'), name: 'bohr', ...loopback })

  const { ticket } = (await ada.call('space.invite', {})) as { ticket: string }
  await bohr.call('space.join', { ticket })

  const arrived = bohr.journal.events.next('record:stored', {
    signal: AbortSignal.timeout(10_000),
    matches: ({ own }) => !own,
  })
  await ada.call('thought.share', { text: 'Seed 7 diverges after step 4000' })
  await arrived

  const { thoughts } = (await bohr.call('thought.recall', { query: 'diverges' })) as {
    thoughts: { text: string; signature: string; author: { name: string } }[]
  }
  for (const { text, author, signature } of thoughts) console.log(`${author.name}: ${text} (signature ${signature})`)
}
rmSync(folder, { recursive: true })
