import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { codeOf, type RecordId, type SpaceId } from '../../../src/base/index.ts'
import { decodeHeader } from '../../../src/records/index.ts'
import { isAtLeast, type Role } from '../../../src/space/index.ts'
import type { DurableHalf } from '../../support/durable-half.ts'
import { admit, EncryptedTown, framesOf, give, heard, say, take } from '../../support/encrypted-town.ts'

/** What may not be done in the state at hand is left out; anything else is a finding. */
const LEFT_OUT: ReadonlySet<unknown> = new Set(['ERR_SPACE_ROLE', 'ERR_SPACE_ARGUMENT', 'ERR_SPACE_LAST_ADMIN'])
const NOT_WRITTEN: ReadonlySet<unknown> = new Set(['ERR_WRITE_NOT_ALLOWED', 'ERR_RECORD_KEY_MISSING'])

const PEERS = 6

interface Step {
  readonly what: 'admit' | 'revoke' | 'lower' | 'leave' | 'say' | 'sync' | 'renew'
  readonly who: number
  readonly whom: number
  readonly role: Role
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('admit', 'admit', 'revoke', 'lower', 'leave', 'say', 'say', 'say', 'sync', 'sync', 'renew'),
  who: fc.nat(PEERS - 1),
  whom: fc.nat(PEERS - 1),
  role: fc.constantFrom<Role>('admin', 'admin', 'writer', 'reader', 'relay'),
})

/** A record, and the devices that its author had to keep it from. */
interface Said {
  readonly id: RecordId
  readonly text: string
  readonly keptFrom: readonly number[]
}

/** A space in which several admins act without knowing of each other. */
class World {
  readonly town: EncryptedTown = new EncryptedTown()
  readonly peers: readonly DurableHalf[] = Array.from({ length: PEERS }, (_, at) => this.town.peer(at + 1))
  readonly said: Said[] = []
  readonly #admitted = new Set<number>([0])
  readonly #space: Promise<SpaceId> = this.#peer(0)
    .spaces.create({ name: 'lab', personal: false })
    .then(({ id }) => id)

  #peer(at: number): DurableHalf {
    return this.peers[at] as DurableHalf
  }

  async space(): Promise<SpaceId> {
    return await this.#space
  }

  /** Two admins beside the founder, and a writer. */
  async open(): Promise<void> {
    const others: readonly Role[] = ['admin', 'admin', 'writer']
    for (const [at, role] of others.entries()) await this.take({ what: 'admit', who: 0, whom: at + 1, role })
    for (const whom of [1, 2, 3]) await this.take({ what: 'sync', who: 0, whom, role: 'reader' })
  }

  async take({ what, who, whom, role }: Step): Promise<void> {
    const space = await this.#space
    const [by, other] = [this.#peer(who), this.#peer(whom)]
    this.town.clock.advance(1000)
    if (by.spaces.get(space)?.self === undefined || (who === whom && what !== 'say' && what !== 'renew')) return
    try {
      if (what === 'admit' && !this.#admitted.has(whom)) {
        await admit(by, other, space, role)
        this.#admitted.add(whom)
        give(by, other, space)
      } else if (what === 'revoke') {
        const { epoch } = await by.spaces.revoke(space, other.identity.device.peer)
        if (epoch) await this.#sayInPrivate(by, space)
      } else if (what === 'lower' && isAtLeast(by.spaces.roleOf(space, other.identity.device.peer), 'reader')) {
        await by.spaces.setRole(space, other.identity.device.peer, 'relay')
        await this.#sayInPrivate(by, space)
      } else if (what === 'leave') await by.spaces.leave(space)
      else if (what === 'renew') await by.spaces.renewKeys(space)
      else if (what === 'sync' && other.spaces.get(space) !== undefined) give(by, other, space)
      else if (what === 'say') await this.#say(by, space)
    } catch (error) {
      const isExpected = LEFT_OUT.has(codeOf(error)) || (what === 'say' && NOT_WRITTEN.has(codeOf(error)))
      if (!isExpected) throw error
    }
  }

  /** A new key was made in the commit of the removal. */
  async #sayInPrivate(by: DurableHalf, space: SpaceId): Promise<void> {
    await this.#say(by, space)
    assert.notEqual(this.said.at(-1)?.keptFrom.length, 0, 'somebody knows the new key who should not')
  }

  async #say(by: DurableHalf, space: SpaceId): Promise<void> {
    const text = `number ${this.said.length}`
    const { id } = await say(by, space, text)
    const known = new Set(
      [...(by.spaces.get(space)?.members ?? []), ...by.spaces.former(space)].map(({ peer }) => peer),
    )
    const nonReaders = this.peers
      .map(({ identity }, at) => ({ peer: identity.device.peer, at }))
      .filter(({ peer }) => known.has(peer) && !isAtLeast(by.spaces.roleOf(space, peer), 'reader'))
      .map(({ at }) => at)
    const knowing = nonReaders.filter((at) => this.#canOpen(at, by, space, id))
    // Where somebody knows the key who should not, a new one is due; until then the records are not kept from anybody.
    if (knowing.length > 0) assert.notEqual(by.spaces.keys(space)?.due, undefined, 'it is known that a key is due')
    this.said.push({ id, text, keptFrom: knowing.length > 0 ? [] : nonReaders })
  }

  /** By trying: a device that gets all that `by` holds, with every key that it can open. */
  #canOpen(at: number, by: DurableHalf, space: SpaceId, id: RecordId): boolean {
    const device = this.town.peer(at + 1)
    take(device, space, framesOf(by, space, 'control'))
    const frame = by.journal.frame(id)
    assert.ok(frame !== undefined && frame.body !== null)
    const { device: author, log, seq, epoch } = decodeHeader(frame.header)
    const opened = device.spaces.cipher.open({ space, device: author, log, seq }, epoch, frame.body)
    device[Symbol.dispose]()
    return opened !== undefined
  }

  /** All tell each other all, and the keys are renewed until nothing is due. */
  async settle(): Promise<void> {
    const space = await this.#space
    const members = this.peers.filter((peer) => peer.spaces.get(space) !== undefined)
    for (let round = 0; round < 12; round++) {
      this.town.clock.advance(1000)
      const [hub, ...others] = members as [DurableHalf, ...DurableHalf[]]
      for (const peer of others) give(peer, hub, space)
      for (const peer of others) give(hub, peer, space)
      let done = 0
      for (const peer of members) {
        if (peer.spaces.get(space)?.self === undefined || peer.spaces.keys(space)?.due === undefined) continue
        await peer.spaces.renewKeys(space)
        done++
        break
      }
      if (done === 0 && round > 1) return
    }
    assert.fail('the keys do not come to rest')
  }
}

test('whoever may read reads all that anybody may read, and nobody else what was written since', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      const world = new World()
      using _town = world.town
      const space = await world.space()
      await world.open()
      for (const one of steps) await world.take(one)
      await world.settle()

      const readers = world.peers.filter((peer) =>
        isAtLeast(peer.spaces.roleOf(space, peer.identity.device.peer), 'reader'),
      )
      const all = new Set(readers.flatMap((reader) => heard(reader, space)))
      for (const reader of readers) assert.deepEqual(new Set(heard(reader, space)), all)
      for (const { text, keptFrom } of world.said) {
        for (const at of keptFrom) {
          const peer = world.peers[at] as DurableHalf
          if (readers.includes(peer)) continue
          assert.ok(!heard(peer, space).includes(text), `peer ${at + 1} reads ${text}`)
        }
      }
      const admins = readers.filter((peer) => isAtLeast(peer.spaces.roleOf(space, peer.identity.device.peer), 'admin'))
      // Without an admin nobody makes a key.
      if (admins.length > 0) for (const reader of readers) assert.ok((reader.spaces.keys(space)?.epoch ?? 0) > 0)
      const [first, ...others] = readers.map((reader) => reader.spaces.keys(space)?.epoch)
      for (const other of others) assert.equal(other, first)
    }),
    { numRuns: 60 },
  )
})
