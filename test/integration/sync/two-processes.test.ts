/** Joining and catching up between two processes over libp2p. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type SpaceId, systemClock } from '../../../src/base/index.ts'
import { createBus, openAdmission } from '../../../src/bus/index.ts'
import { libp2pTransport } from '../../../src/network/index.ts'
import { parseTicket } from '../../../src/space/index.ts'
import { SyncError } from '../../../src/sync/index.ts'
import { encodeHello } from '../../../src/sync/wire.ts'
import { startLibp2pPeer } from '../../support/libp2p-peer.ts'
import type { Peer } from '../../support/peer.ts'
import { Founder } from './founder-process.ts'

const RECORDS = 10_000
let folder = ''
let founder: Founder

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plexus-sync-'))
  founder = await Founder.start(folder, RECORDS)
})

after(async () => {
  await founder[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

function guest(seed: number): Promise<Peer> {
  return startLibp2pPeer({ name: `guest ${seed}`, seed, clock: systemClock(), path: join(folder, `guest-${seed}.db`) })
}

const others: Peer[] = []
after(async () => {
  for (const peer of others) await peer[Symbol.asyncDispose]()
})

/** A guest that is stopped when all tests have run. */
async function guestOnce(seed: number): Promise<Peer> {
  const peer = await guest(seed)
  others.push(peer)
  return peer
}

async function failure(work: Promise<unknown>): Promise<SyncError> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SyncError, String(error))
  return error
}

/** Resolves once the peer holds so many records of the space. */
async function untilHolds(peer: Peer, space: SpaceId, records: number): Promise<void> {
  const reached = Promise.withResolvers<void>()
  const look = (): void => {
    const held = peer.journal.heads(space).reduce((sum, { seq }) => sum + seq, 0)
    if (held >= records) reached.resolve()
  }
  using _stored = peer.journal.events.on('record:stored', look)
  look()
  await reached.promise
}

test('a guest joins with a ticket, catches up, and hears what is written after', async (t) => {
  await using peer = await guest(1)
  const { space } = founder
  const ticket = await founder.ticket()
  const steps: string[] = []
  const started = performance.now()
  const report = await peer.sync.join(ticket, { name: 'guest', onStep: (step) => steps.push(step) })
  const seconds = (performance.now() - started) / 1000
  assert.deepEqual(steps, ['ticket-read', 'connected', 'admitted', 'membership-received', 'in-step'])
  // The genesis, the invite, the admission, and what was written.
  assert.ok(report.records >= RECORDS + 3)
  assert.equal(report.members, peer.spaces.get(space)?.members.length)
  t.diagnostic(
    `${RECORDS} records in ${seconds.toFixed(2)} s with the join: ${Math.round(RECORDS / seconds)} records/s`,
  )

  await founder.append(3)
  await untilHolds(peer, space, report.records + 3)
  const { served } = await founder.figures()
  assert.equal(served, RECORDS, 'what was written after came by itself')

  const used = await failure((await guestOnce(2)).sync.join(ticket, { name: 'late' }))
  assert.deepEqual([used.code, used.reason], ['ERR_JOIN_REFUSED', 'ERR_INVITE_USED'])
})

test('an expired ticket is refused', async () => {
  const peer = await guestOnce(3)
  const ticket = await founder.ticket(1)
  const error = await failure(peer.sync.join(ticket, { name: 'late' }))
  assert.ok(error.code === 'ERR_TICKET_EXPIRED' || error.reason === 'ERR_INVITE_EXPIRED')
  assert.deepEqual(peer.journal.spaces(), [])
})

test('a stranger that lets everyone in is let in by nobody and gets no records', async () => {
  const { issuer, addresses, space } = parseTicket(await founder.ticket(), 0)
  await using transport = await libp2pTransport()()
  await using bus = createBus({ name: 'stranger' })({ transport, admission: openAdmission })
  await transport.start()
  await bus.start()
  const refused = bus.events.next('peer:refused', { signal: AbortSignal.timeout(20_000) })
  await transport.dial(issuer, addresses)
  assert.equal((await refused).by, 'them')
  const forks = { count: 0, fingerprint: new Uint8Array(32) }
  const hello = encodeHello({ space, storeId: new Uint8Array(16), position: 0, holds: {}, forks })
  await assert.rejects(bus.request(issuer, 'sync.hello', hello), { code: 'ERR_PEER_NOT_READY' })
})

test('a guest that was away catches up after it comes back', async () => {
  const { space } = founder
  const ticket = await founder.ticket()
  const first = await guest(5)
  const { records } = await first.sync.join(ticket, { name: 'guest' })
  await first[Symbol.asyncDispose]()
  await founder.append(500)
  await using back = await guest(5)
  assert.equal(back.spaces.get(space)?.self?.role, 'writer')
  const { issuer, addresses } = parseTicket(ticket, 0)
  await back.transport.dial(issuer, addresses)
  await untilHolds(back, space, records + 500)
})
