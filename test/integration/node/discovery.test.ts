import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  bytesOfHex,
  type SpaceId,
  sha256,
  silentLogger,
  systemClock,
  systemRandom,
  utf8,
} from '../../../src/base/index.ts'
import { createNode, type PlexusNode } from '../../../src/index.ts'
import { kadDiscovery, type Libp2pExtra, libp2pTransport } from '../../../src/network/index.ts'
import { announcedWindows, discoveryWindow, memberKey } from '../../../src/space/index.ts'

const home = mkdtempSync(join(tmpdir(), 'plexus-discovery-'))
after(() => rmSync(home, { recursive: true, force: true }))

const node = (name: string, init: Partial<Parameters<typeof createNode>[0]> = {}): Promise<PlexusNode> =>
  createNode({ folder: join(home, name), name, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, domains: [], ...init })

test('two members that moved find each other through strangers, who learn nothing of their space', {
  timeout: 90_000,
}, async () => {
  const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
  // The directory: C, of which everybody knows, and D.
  const heard: Buffer[] = []
  const kad = kadDiscovery({ bootstrap: [], server: true })({ clock, random, log })
  await using c = await libp2pTransport({ deviceSeed: random.bytes(32), extras: [eavesdropping(kad, heard)] })({
    clock,
    log,
  })
  await c.start()
  const bootstrap = c.addresses()
  await using d = await node('d', { bootstrap, discoveryServer: true })

  // A and B share a space; then both are gone, and come back at other addresses.
  const space = await pairUp()
  await using a = await node('a', { bootstrap, listen: ['/ip4/127.0.0.2/tcp/0'] })
  await using b = await node('b', { bootstrap, listen: ['/ip4/127.0.0.3/tcp/0'] })
  await Promise.all([a, b].map((one) => one.call('peers.list', { waitFor: 1 })))
  assert.equal(a.bus.presence().find(({ peer }) => peer === b.peer)?.state, 'ready')
  const status = a.status().components.find(({ name }) => name === 'discovery')
  assert.equal(status?.state, 'ok')

  const secret = a.spaces.discoverySecret(space)
  assert.ok(secret)
  assert.deepEqual(secret, b.spaces.discoverySecret(space), 'members have the secret in common')
  const said = Buffer.concat(heard)
  const now = Date.now()
  const today = discoveryWindow(now)
  assert.ok(
    [a, b].some(({ peer }) => said.includes(Buffer.from(memberKey(secret, peer, today)))),
    'C was told a key of today',
  )
  const later = (announcedWindows(now).at(-1) ?? today) + 1
  for (const { peer } of [a, b])
    assert.ok(!said.includes(Buffer.from(memberKey(secret, peer, later))), 'and none of a later day')
  for (const hidden of [bytesOfHex(space), utf8(space), secret])
    assert.ok(!said.includes(Buffer.from(hidden)), 'nothing that leads there')

  // E knows the id of the space, from an old ticket say, and what C knows.
  const stranger = kadDiscovery({ bootstrap })({ clock, random, log })
  await using e = await libp2pTransport({ deviceSeed: random.bytes(32), extras: [stranger] })({ clock, log })
  await e.start()
  for (const key of [bytesOfHex(space), sha256(bytesOfHex(space)), memberKey(bytesOfHex(space), a.peer, today)]) {
    for await (const found of stranger.find(key)) assert.fail(`found ${found.peer}`)
  }
  assert.equal(d.status().components.find(({ name }) => name === 'discovery')?.state, 'ok')
})

async function pairUp(): Promise<SpaceId> {
  await using a = await node('a')
  await using b = await node('b')
  const { ticket, space } = await a.call('space.invite', {})
  await b.call('space.join', { ticket })
  return space.id
}

/** Keeps all that comes in on the streams of a service. */
function eavesdropping(extra: Libp2pExtra, heard: Buffer[]): Libp2pExtra {
  return {
    name: extra.name,
    load: async () => {
      const make = await extra.load()
      return (components) => {
        const { handle } = components.registrar
        components.registrar.handle = (protocol, handler, options) =>
          handle.call(
            components.registrar,
            protocol,
            (stream, connection) => {
              if (protocol.includes('/kad/'))
                stream.addEventListener('message', ({ data }) => heard.push(Buffer.from(data.subarray())))
              return handler(stream, connection)
            },
            options,
          )
        return make(components)
      }
    },
  }
}
