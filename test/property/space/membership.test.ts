import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HLC_STEPS_PER_MS, type PeerId, type RecordId } from '../../../src/base/index.ts'
import {
  type ControlBody,
  type ControlRecord,
  evaluateMembership,
  type GrantableRole,
  type Membership,
} from '../../../src/space/index.ts'
import { referenceVerdicts, type Verdicts } from './reference-evaluator.ts'

const FOUNDER = 'device-0' as PeerId
const DEVICES = ['device-0', 'device-1', 'device-2', 'device-3', 'device-4'] as PeerId[]
const LOGS = ['00aa', '00bb']
const KEYS = ['invite-a', 'invite-b']
const PRINCIPALS = ['p', 'q']
const ROLES: GrantableRole[] = ['relay', 'reader', 'writer', 'admin']
const EXPIRES_MS = 1000

function genesis(personal: boolean): ControlRecord<'genesis'> {
  return {
    id: 'genesis' as RecordId,
    author: FOUNDER,
    log: LOGS[0] as string,
    seq: 1,
    hlc: 0,
    body: {
      type: 'genesis',
      v: 1,
      name: 's',
      personal,
      principal: 'p',
      certificate: new Uint8Array(),
      sealing: 'x',
      member: 'm',
      history: 'all',
    },
  }
}

/** A record as numbers: turned into a record once its place in a log and the records it may name are known. */
const sketches = fc.array(
  fc.record({
    author: fc.constantFrom(0, 0, 0, 1, 1, 2, 2, 3, 4),
    log: fc.nat(1),
    // Mostly admissions, or nothing else would matter.
    type: fc.constantFrom('admit', 'admit', 'admit', 'role', 'role', 'invite'),
    device: fc.constantFrom(0, 1, 1, 1, 2, 2, 3, 4),
    role: fc.constantFrom<GrantableRole>('admin', 'admin', ...ROLES),
    level: fc.constantFrom(1, 1, 2, 2, 3, 4),
    invite: fc.option(fc.nat(1), { freq: 3 }),
    principal: fc.constantFrom(0, 0, 0, 1),
    late: fc.integer({ min: 0, max: 5 }),
    names: fc.nat(),
    cut: fc.nat(4),
    salt: fc.nat(999),
  }),
  { minLength: 1, maxLength: 24, size: 'max' },
)
type Sketch = (typeof sketches extends fc.Arbitrary<infer T> ? T : never)[number]

function recordsOf(list: readonly Sketch[]): ControlRecord[] {
  const next = new Map<string, number>()
  const records: ControlRecord[] = []
  for (const [index, sketch] of list.entries()) {
    const author = DEVICES[sketch.author] as PeerId
    const log = LOGS[sketch.log] as string
    const seq = (next.get(author + log) ?? 1) + 1
    next.set(author + log, seq)
    const id = `${String(sketch.salt).padStart(3, '0')}-${index}` as RecordId
    const hlc = (sketch.late === 0 ? EXPIRES_MS + 1 : EXPIRES_MS) * HLC_STEPS_PER_MS
    records.push({ id, author, log, seq, hlc, body: bodyOf(sketch, records) } as ControlRecord)
  }
  return records
}

function bodyOf(sketch: Sketch, earlier: readonly ControlRecord[]): ControlBody {
  const { role, level } = sketch
  const device = DEVICES[sketch.device] as PeerId
  const key = KEYS[sketch.invite ?? 0] as string
  if (sketch.type === 'invite') return { type: 'invite', key, role, uses: 1 + (sketch.names % 2), expires: EXPIRES_MS }
  if (sketch.type === 'role') {
    const about = earlier.filter(({ body }) => 'device' in body && body.device === device)
    const replaces = about[sketch.names % Math.max(1, about.length)]?.id ?? ('nothing' as RecordId)
    return {
      type: 'role',
      device,
      role,
      replaces,
      cuts: sketch.cut === 0 ? [] : [[LOGS[0] as string, sketch.cut, replaces]],
    }
  }
  const principal = PRINCIPALS[sketch.principal] as string
  const body = {
    type: 'admit',
    device,
    principal,
    role,
    level,
    name: 'n',
    certificate: new Uint8Array(),
    sealing: 'x',
  } as const
  return sketch.invite === null ? body : { ...body, invite: key }
}

function verdicts(membership: Membership): Verdicts {
  const members = [...membership.members].map(([peer, { role, level, granted }]) => [
    peer,
    `${role} ${level} ${granted}`,
  ])
  const invites = membership.invites.map(({ by, log, id, used }) => [`${by} ${log} ${id}`, used])
  return { members: Object.fromEntries(members), invites: Object.fromEntries(invites) }
}

function whole(membership: Membership): unknown {
  const members = [...membership.members.values()].map((one) => ({ ...one, countsUpTo: [...(one.countsUpTo ?? [])] }))
  return {
    members: members.toSorted((a, b) => (a.peer < b.peer ? -1 : 1)),
    invites: membership.invites.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  }
}

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length === 0) yield []
  for (const [index, first] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [first, ...rest]
  }
}

test('membership agrees with the reference evaluator', () => {
  fc.assert(
    fc.property(sketches, fc.boolean(), (list, personal) => {
      const top = genesis(personal)
      const records = recordsOf(list)
      assert.deepEqual(verdicts(evaluateMembership(top, records)), referenceVerdicts(top, records))
    }),
    { numRuns: 3000 },
  )
})

test('the order in which control records arrive makes no difference: every permutation of small sets', () => {
  fc.assert(
    fc.property(fc.array(sketches, { minLength: 1, maxLength: 1 }), ([list]) => {
      const records = recordsOf((list ?? []).slice(0, 5))
      const expected = whole(evaluateMembership(genesis(false), records))
      for (const order of permutations(records)) {
        assert.deepEqual(whole(evaluateMembership(genesis(false), order)), expected)
      }
    }),
    { numRuns: 60 },
  )
})

test('the order in which control records arrive makes no difference: random orders of large sets', () => {
  fc.assert(
    fc.property(
      sketches.chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length })),
      ),
      ([list, order]) => {
        const records = recordsOf(list)
        const shuffled = order.map((index) => records[index] as ControlRecord)
        assert.deepEqual(
          whole(evaluateMembership(genesis(false), shuffled)),
          whole(evaluateMembership(genesis(false), records)),
        )
      },
    ),
    { numRuns: 500 },
  )
})

test('every member was admitted by a member of a lower level, and nobody but the founder is the founder', () => {
  fc.assert(
    fc.property(sketches, (list) => {
      const { members, invites } = evaluateMembership(genesis(false), recordsOf(list))
      for (const member of members.values()) {
        if (member.peer === FOUNDER) continue
        const admitter = members.get(member.admittedBy as PeerId)
        assert.ok(admitter !== undefined && admitter.level < member.level)
        assert.notEqual(member.role, 'founder')
      }
      for (const invite of invites) assert.ok(invite.used <= invite.uses)
    }),
    { numRuns: 500 },
  )
})
