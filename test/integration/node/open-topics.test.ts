import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { utf8 } from '../../../src/base/index.ts'
import type { Message } from '../../../src/bus/index.ts'
import { createNode, type PlexusNode } from '../../../src/index.ts'

const home = mkdtempSync(join(tmpdir(), 'plexus-open-'))
after(() => rmSync(home, { recursive: true, force: true }))

const TOPIC = 'open/papers'
const node = (
  name: string,
  bootstrap: readonly string[],
  openTopics: readonly string[] = [TOPIC],
): Promise<PlexusNode> =>
  createNode({
    folder: join(home, name),
    name,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
    domains: [],
    bootstrap,
    discoveryServer: bootstrap.length === 0,
    openTopics,
  })

test('nodes that share no space hear each other on an open topic, through one that both know', {
  timeout: 60_000,
}, async (t) => {
  await using middle = await node('middle', [])
  await using a = await node('a', middle.transport.addresses())
  await using b = await node('b', middle.transport.addresses())
  const heard = Promise.withResolvers<Message>()
  b.bus.subscribe(TOPIC, {}, (message) => heard.resolve(message))
  a.bus.subscribe('**', {}, () => assert.fail('only who asks for open topics hears them'))
  let message: Message | undefined
  void heard.promise.then((first) => {
    message = first
  })
  while (message === undefined) {
    await a.bus.publish(TOPIC, 'note', utf8('hello'))
    await wait(100, undefined, { signal: t.signal })
  }
  assert.equal(message.from, a.peer)
  assert.deepEqual(
    a.transport.links().map(({ peer }) => peer),
    [middle.peer],
    'they are not linked themselves',
  )
  assert.deepEqual(
    a.bus.presence().filter(({ state }) => state === 'ready'),
    [],
    'and strangers have no lanes',
  )
})

test('what is no name of an open topic is refused before anything starts', async () => {
  for (const name of ['papers', 'open', 'open/*', 'open/ä']) {
    await assert.rejects(node('refused', [], [name]), { code: 'ERR_INVALID_ARGUMENT' })
  }
})
