import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, type PeerId, sha256, utf8 } from '../../src/base/index.ts'
import { ANNOUNCEMENT_MS, type Discovery, type FoundPeer } from '../../src/network/index.ts'

export interface Finder {
  readonly peer: PeerId
  readonly discovery: Discovery
}

/** Where a discovery under test runs: a directory, and peers that use it. */
export interface DiscoveryBench extends AsyncDisposable {
  finder(): Promise<Finder>
  /** From now on nobody of the directory answers. */
  takeDown(): Promise<void>
  /** Lets that much time pass on the clock of the directory. */
  elapse(ms: number): Promise<void>
  /** Runs a test body, and whatever makes time pass meanwhile. */
  run(body: () => Promise<void>): Promise<void>
}

const KEY = sha256(utf8('the key of the test'))
const OTHER_KEY = sha256(utf8('another key'))
const HERE = '/ip4/127.0.0.1/tcp/4001'
const THERE = '/ip4/127.0.0.1/tcp/4002'

/** What every adapter of `Discovery` does, for whoever uses it. */
export function discoverySuite(adapter: string, makeBench: () => Promise<DiscoveryBench>): void {
  const check = (title: string, body: (bench: DiscoveryBench) => Promise<void>): void => {
    test(`${adapter}: ${title}`, { timeout: 60_000 }, async () => {
      await using bench = await makeBench()
      await bench.run(() => body(bench))
    })
  }

  check('whoever knows the key finds who announced under it, and where', async (bench) => {
    const [a, b] = [await bench.finder(), await bench.finder()]
    await a.discovery.announce(KEY, [HERE, THERE])
    const [found, ...others] = await all(b.discovery.find(KEY))
    assert.equal(found?.peer, a.peer)
    assert.deepEqual([...(found?.addresses ?? [])].sort(), [HERE, THERE])
    assert.deepEqual(others, [])
  })

  check('under another key there is nobody', async (bench) => {
    const [a, b] = [await bench.finder(), await bench.finder()]
    await a.discovery.announce(KEY, [HERE])
    assert.deepEqual(await all(b.discovery.find(OTHER_KEY)), [])
  })

  check('of many that announced, each is found once, and oneself is not', async (bench) => {
    const peers = await Promise.all([1, 2, 3, 4].map(() => bench.finder()))
    for (const { discovery } of peers) await discovery.announce(KEY, [HERE])
    for (const { discovery, peer } of peers) {
      const others = peers.map((one) => one.peer).filter((one) => one !== peer)
      const found = (await all(discovery.find(KEY))).map((one) => one.peer)
      assert.deepEqual(found.toSorted(), others.toSorted())
    }
  })

  check('the last announcement counts', async (bench) => {
    const [a, b] = [await bench.finder(), await bench.finder()]
    await a.discovery.announce(KEY, [HERE])
    await a.discovery.announce(KEY, [THERE])
    const found = await all(b.discovery.find(KEY))
    assert.deepEqual(found, [{ peer: a.peer, addresses: [THERE] }])
  })

  check('an announcement is forgotten after its time', async (bench) => {
    const [a, b] = [await bench.finder(), await bench.finder()]
    await a.discovery.announce(KEY, [HERE])
    await bench.elapse(ANNOUNCEMENT_MS)
    assert.deepEqual(await all(b.discovery.find(KEY)), [])
  })

  check('a search may be left at any time', async (bench) => {
    const peers = await Promise.all([1, 2, 3].map(() => bench.finder()))
    for (const { discovery } of peers) await discovery.announce(KEY, [HERE])
    const [first] = peers
    assert.ok(first)
    for await (const { peer } of first.discovery.find(KEY)) {
      assert.notEqual(peer, first.peer)
      break
    }
    assert.equal((await all(first.discovery.find(KEY))).length, 2)
  })

  check('an aborted signal ends both at once, with its reason', async (bench) => {
    const { discovery } = await bench.finder()
    const signal = AbortSignal.abort(new Error('enough'))
    await assert.rejects(discovery.announce(KEY, [HERE], { signal }), /enough/)
    await assert.rejects(all(discovery.find(KEY, { signal })), /enough/)
  })

  check('without an address there is nothing to announce', async (bench) => {
    const [a, b] = [await bench.finder(), await bench.finder()]
    await assert.rejects(a.discovery.announce(KEY, []), { code: 'ERR_UNREACHABLE' })
    assert.deepEqual(await all(b.discovery.find(KEY)), [])
  })

  check('a key of another length is a mistake of the caller', async (bench) => {
    const { discovery } = await bench.finder()
    await assert.rejects(discovery.announce(KEY.subarray(1), [HERE]), { code: 'ERR_INVALID_ARGUMENT' })
    await assert.rejects(all(discovery.find(new Uint8Array(0))), { code: 'ERR_INVALID_ARGUMENT' })
  })

  check('when nobody answers, both say so', async (bench) => {
    const { discovery } = await bench.finder()
    await bench.takeDown()
    const announcing = assert.rejects(discovery.announce(KEY, [HERE]), isUnanswered)
    const finding = assert.rejects(all(discovery.find(KEY)), isUnanswered)
    await bench.elapse(60_000)
    await announcing
    await finding
  })
}

function isUnanswered(error: unknown): boolean {
  return ['ERR_UNREACHABLE', 'ERR_TIMEOUT'].includes(codeOf(error) ?? '')
}

async function all(search: AsyncIterable<FoundPeer>): Promise<readonly FoundPeer[]> {
  const found: FoundPeer[] = []
  for await (const one of search) found.push(one)
  return found
}
