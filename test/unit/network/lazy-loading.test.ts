import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts'

test('importing the module does not load libp2p', async () => {
  const loaded: string[] = []
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      loaded.push(url)
      return nextLoad(url, context)
    },
  })
  const network = await import('../../../src/network/index.ts')
  hooks.deregister()
  assert.equal(typeof network.libp2pTransport, 'function')
  assert.ok(
    loaded.some((url) => url.endsWith('/src/network/index.ts')),
    'the hooks see what is loaded',
  )
  assert.deepEqual(
    loaded.filter((url) => /node_modules\/(?:@?libp2p|@multiformats)/.test(url)),
    [],
  )
})

test('a transport without the directory and without open topics loads neither of their libraries', async () => {
  const loaded: string[] = []
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      loaded.push(url)
      return nextLoad(url, context)
    },
  })
  const { kadDiscovery, gossipTopics, libp2pTransport } = await import('../../../src/network/index.ts')
  const [clock, random, log] = [systemClock(), systemRandom(), silentLogger()]
  const extras = [kadDiscovery({ bootstrap: [] })({ clock, random, log }), gossipTopics({ topics: [] })({ clock })]
  const isTheirs = (url: string): boolean => /@libp2p\/(?:kad-dht|gossipsub)/.test(url)
  await libp2pTransport()({ clock, log })
  assert.ok(loaded.some((url) => url.includes('/node_modules/libp2p/')))
  assert.deepEqual(loaded.filter(isTheirs), [])
  await libp2pTransport({ extras })({ clock, log })
  hooks.deregister()
  assert.ok(loaded.some(isTheirs), 'the hooks see what is loaded')
})
