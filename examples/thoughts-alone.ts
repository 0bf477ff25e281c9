/** A memory for one program: thoughts and papers, kept, searched, and signed. No network, no MCP, no daemon. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from 'plexus'

const folder = mkdtempSync(join(tmpdir(), 'plexus-example-'))
{
  // With nothing to listen on and nobody to look for, a peer is a library over one file.
  await using node = await createNode({ folder, name: 'ada', listen: [], mdns: false })
  await node.call('thought.share', { text: 'The cache is cold after midnight', kind: 'observation', topic: 'cache' })
  await node.call('research.add', { title: 'Time, Clocks, and the Ordering of Events', doi: '10.1145/359545.359563' })

  const recalled = (await node.call('thought.recall', { query: 'cold cache' })) as { thoughts: { text: string }[] }
  console.log(recalled.thoughts[0]?.text)
  const cited = (await node.call('research.cite', { id: '10.1145/359545.359563', style: 'apa' })) as {
    reference: { text: string }
  }
  console.log(cited.reference.text)
}
rmSync(folder, { recursive: true })
