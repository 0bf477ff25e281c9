import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'

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
