import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Events, type PeerId, peerIdOfKey, type SpaceId, silentLogger } from '../../../src/base/index.ts'
import { admissionOf } from '../../../src/node/admission.ts'
import type { Member, Role, SpaceEvents, SpaceInfo, Spaces } from '../../../src/space/index.ts'

const peer = (n: number): PeerId => peerIdOfKey(new Uint8Array(32).fill(n))
const [ADA, BOHR, CURIE, STRANGER] = [peer(1), peer(2), peer(3), peer(9)]
const LAB = 'a'.repeat(64) as SpaceId
const CLUB = 'b'.repeat(64) as SpaceId

/** Lab: ada writes, bohr relays. Club: curie reads. */
const ROLES: Record<string, Record<string, Role>> = {
  [LAB]: { [ADA]: 'writer', [BOHR]: 'relay' },
  [CLUB]: { [CURIE]: 'reader' },
}

const events = new Events<SpaceEvents>(silentLogger())
const membersOf = (space: SpaceId): readonly Member[] =>
  Object.entries(ROLES[space] ?? {}).map(([peer, role]) => ({ peer, role }) as Member)

const admission = admissionOf({
  events,
  get: (space: SpaceId) =>
    ({ id: space, personal: false, members: membersOf(space) }) as Partial<SpaceInfo> as SpaceInfo,
  peers: () => new Set([ADA, BOHR, CURIE]),
  list: () => [LAB, CLUB].map((id) => ({ id, personal: false }) as SpaceInfo),
  roleOf: (space: SpaceId, of: PeerId) => ROLES[space]?.[of],
} as Pick<Spaces, 'events' | 'get' | 'peers' | 'list' | 'roleOf'> as Spaces)

test('only members of a common space take part', () => {
  assert.equal(admission.mayTakePart(ADA).allowed, true)
  const refusal = admission.mayTakePart(STRANGER)
  assert.ok(!refusal.allowed && refusal.reason.length > 0)
})

test('the topics of a space are for its readers and above', () => {
  assert.equal(admission.mayUseTopic(ADA, `space/${LAB}/records`), true)
  assert.equal(admission.mayUseTopic(BOHR, `space/${LAB}/records`), false, 'a relay reads nothing')
  assert.equal(admission.mayUseTopic(CURIE, `space/${LAB}/records`), false, 'a member of another space')
  assert.equal(admission.mayUseTopic(STRANGER, 'lab.alerts'), false)
  assert.equal(admission.mayUseTopic(CURIE, 'lab.alerts'), true)
})

test('addresses are told among members of one space only', () => {
  assert.equal(admission.mayIntroduce(ADA, BOHR), true)
  assert.equal(admission.mayIntroduce(ADA, CURIE), false)
  assert.equal(admission.mayIntroduce(STRANGER, ADA), false)
})

test('the topics of a space have one group: its readers and above, as they are now', () => {
  const group = `space/${LAB}`
  assert.equal(admission.groupOf?.(`${group}/records`), group)
  assert.equal(admission.groupOf?.('lab.alerts'), undefined)
  assert.equal(admission.membersOf?.('lab.alerts'), undefined)
  assert.deepEqual(admission.membersOf?.(group), new Set([ADA]))
  ROLES[LAB] = { [ADA]: 'relay', [CURIE]: 'reader' }
  events.emit('members:changed', { space: LAB })
  assert.deepEqual(admission.membersOf?.(group), new Set([CURIE]))
})
