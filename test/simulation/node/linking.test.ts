import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { codeOf, hexOf, type SpaceId } from '../../../src/base/index.ts'
import { cognition } from '../../../src/cognition/index.ts'
import type { PlexusNode } from '../../../src/node/index.ts'
import type { LinkReport, LinkStep } from '../../../src/sync/index.ts'
import { FramedChannel } from '../../../src/sync/join/framed-channel.ts'
import { LINK_COMPARE_TIMEOUT_MS } from '../../../src/sync/link/conversation.ts'
import { decodeLinkMessage, encodeLinkMessage, LINK_PROTOCOL } from '../../../src/sync/link/link-wire.ts'
import { Crowd } from './crowd.ts'

const domains = [cognition()]

/** One side of a linking that goes on. */
interface Going {
  readonly steps: LinkStep[]
  readonly report: Promise<LinkReport>
}

function started(begin: (onStep: (step: LinkStep) => void) => Promise<LinkReport>): Going {
  const steps: LinkStep[] = []
  const report = begin((step) => steps.push(step))
  report.catch(() => undefined)
  return { steps, report }
}

function offer(node: PlexusNode): Going {
  return started((onStep) => node.linking.offer({ name: node.name, addresses: node.transport.addresses(), onStep }))
}

function use(node: PlexusNode, ticket: string): Going {
  return started((onStep) => node.linking.link(ticket, { name: node.name, onStep }))
}

function ticketOf({ steps }: Going): string {
  const step = steps.find(({ is }) => is === 'ticket')
  assert.ok(step?.is === 'ticket')
  return step.ticket
}

function wordsOf({ steps }: Going): string {
  const step = steps.find(({ is }) => is === 'words')
  assert.ok(step?.is === 'words', 'no words are shown')
  return step.words.join(' ')
}

/** Both have come as far as the words. */
async function compared(crowd: Crowd, old: PlexusNode, fresh: PlexusNode): Promise<{ host: Going; guest: Going }> {
  const host = offer(old)
  const guest = use(fresh, ticketOf(host))
  await crowd.run(2_000)
  return { host, guest }
}

async function failureOf(crowd: Crowd, { report }: Going): Promise<string> {
  return await crowd.until(
    report.then(
      () => assert.fail('they were linked'),
      (error: unknown) => codeOf(error),
    ),
  )
}

function keyFile(crowd: Crowd, node: PlexusNode): string {
  return readFileSync(join(crowd.folder, node.name, 'identity.json'), 'utf8')
}

function spaceIds(node: PlexusNode): SpaceId[] {
  return node.spaces.list().flatMap(({ id, self }) => (self === undefined ? [] : [id]))
}

async function thoughts(crowd: Crowd, node: PlexusNode): Promise<readonly string[]> {
  const { thoughts: found } = await crowd.until(node.call('thought.recall', { query: '', limit: 50 }))
  return found.map(({ text }) => text).sort()
}

suite('linking', () => {
  test('gives the new device everything, the private space too, and both go on as one person', async () => {
    await using crowd = new Crowd()
    const [desk, laptop, bob] = [
      await crowd.node('desk', { domains }),
      await crowd.node('laptop', { domains }),
      await crowd.node('bob', { domains }),
    ]
    await crowd.join(desk, bob)
    await crowd.until(desk.call('thought.share', { text: 'shared' }))
    await crowd.until(desk.call('thought.share', { text: 'secret', private: true }))
    await crowd.until(laptop.call('thought.share', { text: 'of before', private: true }))
    const { host, guest } = await compared(crowd, desk, laptop)
    assert.equal(wordsOf(host), wordsOf(guest))
    assert.equal(wordsOf(host).split(' ').length, 6)
    desk.linking.confirm(wordsOf(guest))
    laptop.linking.confirm(wordsOf(host).toUpperCase())
    const [atHost, atGuest] = [await crowd.until(host.report), await crowd.until(guest.report)]
    assert.equal(atHost.peer, laptop.peer)
    assert.equal(atGuest.peer, desk.peer)
    assert.deepEqual(hexOf(laptop.keys.identity.principal), atHost.principal)
    await crowd.run(5_000)
    assert.deepEqual(await thoughts(crowd, laptop), ['of before', 'secret', 'shared'])
    await crowd.until(laptop.call('thought.share', { text: 'from the laptop', private: true }))
    await crowd.run(2_000)
    assert.deepEqual(await thoughts(crowd, desk), ['from the laptop', 'secret', 'shared'])
    assert.deepEqual(await thoughts(crowd, bob), ['shared'], 'private is private')
    const shared = desk.spaces.list().find(({ personal }) => !personal)
    const seen = bob.spaces.list().find(({ id }) => id === shared?.id)
    const persons = Map.groupBy(seen?.members ?? [], ({ principal }) => principal)
    assert.deepEqual([...persons.values()].map((devices) => devices.map(({ name }) => name)).sort(), [
      ['bob'],
      ['desk', 'laptop'],
    ])
    // The peer that it is now is there after a restart.
    const again = await crowd.restart(laptop, { domains })
    assert.equal(hexOf(again.keys.identity.principal), atHost.principal)
    assert.equal(again.keys.identity.certify, undefined)
    assert.deepEqual(await thoughts(crowd, again), ['from the laptop', 'of before', 'secret', 'shared'])
  })

  test('that is refused, given other words, or takes too long leaves both as they were', async () => {
    await using crowd = new Crowd()
    const [desk, laptop] = [await crowd.node('desk'), await crowd.node('laptop')]
    await crowd.until(desk.spaces.create({ name: 'lab', personal: false }))
    const endings: readonly (readonly [string, (words: string) => void, readonly [string, string]])[] = [
      ['refused there', () => laptop.linking.refuse(), ['ERR_LINK_REFUSED', 'ERR_LINK_REFUSED']],
      ['refused here', () => desk.linking.refuse(), ['ERR_LINK_REFUSED', 'ERR_LINK_REFUSED']],
      [
        'other words',
        (words) => assert.throws(() => desk.linking.confirm(`${words}s`), { code: 'ERR_LINK_WORDS' }),
        ['ERR_LINK_WORDS', 'ERR_LINK_WORDS'],
      ],
      ['nobody says anything', () => undefined, ['ERR_LINK_LATE', 'ERR_LINK_LATE']],
      ['one says yes', (words) => desk.linking.confirm(words), ['ERR_LINK_LATE', 'ERR_LINK_LATE']],
    ]
    for (const [what, end, codes] of endings) {
      const before = [keyFile(crowd, desk), keyFile(crowd, laptop), ...spaceIds(desk), ...spaceIds(laptop)]
      const records = [desk.journal.figures().records, laptop.journal.figures().records]
      const { host, guest } = await compared(crowd, desk, laptop)
      end(wordsOf(host))
      await crowd.run(LINK_COMPARE_TIMEOUT_MS + 5_000)
      assert.deepEqual([await failureOf(crowd, host), await failureOf(crowd, guest)], codes, what)
      const after = [keyFile(crowd, desk), keyFile(crowd, laptop), ...spaceIds(desk), ...spaceIds(laptop)]
      assert.deepEqual(after, before, what)
      assert.deepEqual([desk.journal.figures().records, laptop.journal.figures().records], records, what)
    }
    assert.throws(() => desk.linking.confirm('a'), { code: 'ERR_LINK_NONE' })
  })

  test('with a used, expired or foreign ticket is refused; the ticket stays good for who could not reach us', async () => {
    await using crowd = new Crowd()
    const [desk, laptop, third] = [await crowd.node('desk'), await crowd.node('laptop'), await crowd.node('third')]
    const host = offer(desk)
    const ticket = ticketOf(host)
    assert.equal(await failureOf(crowd, use(laptop, 'plexuslink1aaaa')), 'ERR_LINK_TICKET')
    crowd.network.cut(laptop.peer, desk.peer)
    const guest = use(laptop, ticket)
    await crowd.run(2_000)
    assert.equal(await failureOf(crowd, use(third, ticket)), 'ERR_LINK_TICKET')
    desk.linking.confirm(wordsOf(host))
    laptop.linking.confirm(wordsOf(guest))
    await crowd.until(Promise.all([host.report, guest.report]))
    // Nobody answers any more.
    assert.equal(await failureOf(crowd, use(third, ticket)), 'ERR_LINK_UNREACHABLE')
    await crowd.run(601_000)
    assert.equal(await failureOf(crowd, use(third, ticket)), 'ERR_LINK_TICKET')
    const unused = offer(desk)
    await crowd.run(601_000)
    assert.equal(await failureOf(crowd, unused), 'ERR_LINK_LATE')
  })

  test('is for devices that are in no space with others, from one that has the key', async () => {
    await using crowd = new Crowd()
    const [desk, laptop, bob] = [await crowd.node('desk'), await crowd.node('laptop'), await crowd.node('bob')]
    await crowd.join(desk, bob)
    const first = offer(desk)
    assert.equal(await failureOf(crowd, use(bob, ticketOf(first))), 'ERR_LINK_IN_SPACES')
    assert.equal(await failureOf(crowd, offer(desk)), 'ERR_LINK_BUSY')
    const guest = use(laptop, ticketOf(first))
    await crowd.run(2_000)
    desk.linking.confirm(wordsOf(first))
    laptop.linking.confirm(wordsOf(guest))
    await crowd.until(Promise.all([first.report, guest.report]))
    assert.equal(await failureOf(crowd, offer(laptop)), 'ERR_LINK_NO_KEY')
    await assert.rejects(crowd.until(laptop.call('identity.rotate', {})), { code: 'ERR_KEY_LINKED' })
  })

  test('whose link is cut at any moment leaves nothing behind, or is finished', async () => {
    for (const after of [0, 1, 2, 3, 5, 8, 12, 20, 40, 80, 160]) {
      await using crowd = new Crowd()
      const [desk, laptop] = [await crowd.node('desk'), await crowd.node('laptop')]
      await crowd.until(desk.spaces.create({ name: 'lab', personal: false }))
      const { host, guest } = await compared(crowd, desk, laptop)
      desk.linking.confirm(wordsOf(host))
      laptop.linking.confirm(wordsOf(guest))
      await crowd.run(after)
      crowd.network.cut(laptop.peer, desk.peer)
      const outcomes = await crowd.until(Promise.allSettled([host.report, guest.report]))
      await crowd.run(100_000)
      const [old, fresh] = outcomes.map(({ status }) => status)
      const admitted = desk.spaces.list().filter(({ id }) => desk.spaces.roleOf(id, laptop.peer) !== undefined)
      assert.equal(admitted.length, old === 'fulfilled' ? 2 : 0, `cut after ${after} ms`)
      assert.equal(laptop.keys.next, undefined)
      if (fresh === 'rejected') {
        assert.ok(laptop.keys.identity.certify !== undefined, `cut after ${after} ms`)
        assert.equal(laptop.spaces.list().length, 1, `cut after ${after} ms`)
      }
    }
  })

  test('a stranger without the ticket gets nothing, and does not use it up', async () => {
    await using crowd = new Crowd()
    const [desk, laptop, mallory] = [await crowd.node('desk'), await crowd.node('laptop'), await crowd.node('mallory')]
    const signal = new AbortController().signal
    await crowd.link(mallory, desk)
    await assert.rejects(crowd.until(mallory.transport.open(desk.peer, LINK_PROTOCOL)), 'nothing is open')
    const host = offer(desk)
    const junk = [
      encodeLinkMessage({ is: 'confirmed' }),
      encodeLinkMessage({
        is: 'hello',
        ticket: new Uint8Array(32).fill(1),
        device: mallory.peer,
        sealingKey: new Uint8Array(32),
        name: 'laptop',
        kind: 'human',
        commitment: new Uint8Array(32),
        proof: new Uint8Array(64),
      }),
    ]
    for (const bytes of junk) {
      const channel = await crowd.until(mallory.transport.open(desk.peer, LINK_PROTOCOL))
      const framed = new FramedChannel(channel)
      await crowd.until(framed.send(bytes, { signal }))
      const answer = decodeLinkMessage(await crowd.until(framed.read(1_000, { signal })))
      assert.deepEqual(answer, { is: 'refused', why: 'ticket' })
      await crowd.until(channel.close())
      await crowd.run(100)
    }
    const guest = use(laptop, ticketOf(host))
    await crowd.run(2_000)
    assert.equal(wordsOf(host), wordsOf(guest))
    desk.linking.refuse()
    await failureOf(crowd, host)
  })
})
