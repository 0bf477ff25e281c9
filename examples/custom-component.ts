/** A component of one's own on a peer: hears what members publish, answers what they ask, and offers operations. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, type PlexusNode } from 'plexus'
import { operation } from 'plexus/base'
import type { Message } from 'plexus/bus'
import type { NodeComponent } from 'plexus/node'
import { defaultSpace } from 'plexus/space'
import { z } from 'zod'

/** A board with room for one notice: it reaches the members that are there now, and nobody keeps it for the others. */
function noticeBoard({ bus, spaces }: PlexusNode): NodeComponent {
  let last: Uint8Array = new Uint8Array()
  let notices = 0
  const post = operation({
    name: 'board.post',
    summary: 'Show a notice to the members of a space',
    input: z.object({ text: z.string().min(1).max(500) }),
    run: ({ text }) => bus.publish(`space/${defaultSpace(spaces.list()).id}/board`, 'board.notice', Buffer.from(text)),
  })
  const receive = ({ body }: Message): void => {
    last = body
    notices++
  }
  return {
    name: 'board',
    operations: [post],
    handlers: { published: { 'board.notice': receive }, requested: { 'board.last': async () => last } },
    status: () => ({ figures: { notices } }),
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
