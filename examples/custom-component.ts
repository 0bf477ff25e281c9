/** A component of one's own on a peer: hears what members publish, answers what they ask, and offers operations. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, type PlexusNode } from 'plexus'
import { operation } from 'plexus/base'
import type { NodeComponent } from 'plexus/node'
import { defaultSpace } from 'plexus/space'
import { z } from 'zod'

/** A board of notices: they reach the members that are there now, and nobody keeps them. */
function noticeBoard({ bus, spaces }: PlexusNode): NodeComponent {
  const notices: string[] = []
  const post = operation({
    name: 'board.post',
    summary: 'Show a notice to the members of a space',
    input: z.object({ text: z.string().min(1).max(500) }),
    run: ({ text }) => bus.publish(`space/${defaultSpace(spaces.list()).id}/board`, 'board.notice', Buffer.from(text)),
  })
  return {
    name: 'board',
    operations: [post],
    handlers: {
      published: { 'board.notice': ({ body }) => void notices.push(Buffer.from(body).toString()) },
      requested: { 'board.last': async () => Buffer.from(notices.at(-1) ?? '') },
    },
    status: () => ({ figures: { notices: notices.length } }),
  }
}

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-example-'))
const common = { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, domains: [], components: [noticeBoard] }
await using ada = await createNode({ folder: join(folder.path, 'ada'), name: 'ada', ...common })
await using bohr = await createNode({ folder: join(folder.path, 'bohr'), name: 'bohr', ...common })
const { ticket } = await ada.call('space.invite', {})
await bohr.call('space.join', { ticket })

await ada.call('board.post', { text: 'The cluster is down until noon' })
// Lanes keep the order: the question comes after the notice.
console.log(`${Buffer.from(await ada.bus.request(bohr.peer, 'board.last', new Uint8Array()))}`)
const { state, figures } = bohr.status().components.find(({ name }) => name === 'board') ?? {}
console.log(`${state}: ${JSON.stringify(figures)}`)
