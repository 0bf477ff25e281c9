import fc from 'fast-check'
import { bytesOfHex, HLC_STEPS_PER_MS, type PeerId, peerIdOfKey, type RecordId } from '../../../src/base/index.ts'
import { LOG_CLASS } from '../../../src/records/index.ts'
import type {
  ControlBody,
  ControlRecord,
  ControlType,
  Cut,
  GrantableRole,
  Membership,
} from '../../../src/space/index.ts'
import type { Verdicts } from './reference-evaluator.ts'

const RECOVERY_KEY = '07'.repeat(32)
const RECOVERY: PeerId = peerIdOfKey(bytesOfHex(RECOVERY_KEY))
const FOUNDER = 'device-0' as PeerId
const OTHERS = ['device-1', 'device-2', 'device-3', 'device-4', 'device-5'] as PeerId[]
/** The last one is the recovery key. */
const DEVICES: readonly PeerId[] = [FOUNDER, ...OTHERS, RECOVERY]
const CONTROL_LOGS = ['00aa', '00bb']
const LOGS = [...CONTROL_LOGS, '01aa', '01bb']
const KEYS = ['invite-a', 'invite-b']
const PRINCIPALS = ['p', 'q']
const ROLES: readonly GrantableRole[] = ['relay', 'reader', 'writer', 'admin']
const EXPIRES_MS = 1000
const GENESIS_ID = 'genesis' as RecordId

export function genesisOf(options: {
  readonly personal?: boolean
  readonly recovery?: boolean
}): ControlRecord<'genesis'> {
  return {
    id: GENESIS_ID,
    author: FOUNDER,
    log: '00aa',
    seq: 1,
    hlc: 0,
    body: {
      type: 'genesis',
      v: 1,
      name: 's',
      personal: options.personal ?? false,
      principal: 'p',
      certificate: new Uint8Array(),
      sealing: 'x',
      member: 'm',
      history: 'all',
      ...(options.recovery === true ? { recovery: RECOVERY_KEY } : {}),
    },
  }
}

/** A record as numbers: turned into a record once its place in a log and the records it may name are known. */
export interface Sketch {
  readonly author: number
  readonly log: number
  readonly type: Exclude<ControlType, 'genesis'> | 'take-back' | 'join' | 'come-back'
  readonly device: number
  readonly role: GrantableRole
  readonly level: number
  readonly invite: number | null
  readonly principal: number
  readonly isProven: boolean
  readonly isLate: boolean
  /** Picks what the record names among those there are. */
  readonly names: number
  readonly cuts: readonly (readonly [log: number, seq: number])[]
  readonly from: number
  readonly length: number
  /** Sits at a place that its log has already: what honest stores never hold together. */
  readonly isDouble: boolean
  readonly salt: number
}

const role = fc.constantFrom<GrantableRole>('admin', 'admin', ...ROLES)

const sketch: fc.Arbitrary<Sketch> = fc.record<Sketch>({
  author: fc.constantFrom(0, 0, 1, 1, 2, 2, 3, 4, 5, 6),
  log: fc.constantFrom(0, 0, 0, 1),
  type: fc.constantFrom(
    ...(['admit', 'admit', 'admit', 'admit', 'role', 'role', 'invite', 'revoke', 'revoke', 'revoke'] as const),
    ...(['accept', 'accept', 'rotate', 'erase', 'epoch', 'fork', 'take-back'] as const),
    ...(['join', 'join', 'come-back', 'come-back'] as const),
  ),
  device: fc.constantFrom(0, 1, 1, 1, 2, 2, 3, 4, 5),
  role,
  level: fc.constantFrom(0, 1, 1, 2, 2, 3, 4),
  invite: fc.option(fc.nat(1), { freq: 3 }),
  principal: fc.constantFrom(0, 0, 0, 1),
  isProven: fc.boolean(),
  isLate: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  names: fc.nat({ max: 0xffff }),
  cuts: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 })), { maxLength: 3, size: 'max' }),
  from: fc.integer({ min: 1, max: 5 }),
  length: fc.nat(3),
  isDouble: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
  salt: fc.nat(999),
})

/** An admission that will count, so that there is somebody to speak of. */
function welcome(author: number, device: number): fc.Arbitrary<Sketch> {
  return fc
    .tuple(sketch, role, fc.integer({ min: 0, max: 9 }))
    .map(([one, given, chance]) =>
      chance === 0
        ? one
        : { ...one, author, device, role: given, type: 'admit', log: 0, level: author + 1, invite: null, principal: 0 },
    )
}

/** A few members at first, and then anything. */
export const sketches: fc.Arbitrary<readonly Sketch[]> = fc
  .tuple(
    fc.tuple(welcome(0, 1), welcome(0, 2), welcome(1, 3), welcome(2, 4)),
    fc.array(sketch, { minLength: 1, maxLength: 24, size: 'max' }),
  )
  .map(([first, others]) => [...first, ...others])

export function recordsOf(list: readonly Sketch[]): readonly ControlRecord[] {
  const last = new Map<string, number>([[`${FOUNDER}00aa`, 1]])
  const records: ControlRecord[] = []
  for (const [index, sketched] of list.entries()) {
    const one = aimed(sketched, records)
    const author = DEVICES[one.author] as PeerId
    const log = CONTROL_LOGS[one.log] as string
    const before = last.get(author + log) ?? 0
    const seq = one.isDouble && before > 1 ? before : before + 1
    last.set(author + log, seq)
    const id = `${String(one.salt).padStart(3, '0')}-${index}` as RecordId
    const hlc = (one.isLate ? EXPIRES_MS + 1 : EXPIRES_MS) * HLC_STEPS_PER_MS
    records.push({ id, author, log, seq, hlc, body: bodyOf(one, author, records) } as ControlRecord)
  }
  return records
}

/** Left to chance alone, few would join by an invite and few would come back. */
function aimed(one: Sketch, earlier: readonly ControlRecord[]): Sketch {
  const pickOf = <T>(items: readonly T[]): T | undefined => items[one.names % Math.max(1, items.length)]
  if (one.type === 'join') {
    const invite = pickOf(earlier.filter(({ body }) => body.type === 'invite')) as ControlRecord<'invite'> | undefined
    if (invite === undefined) return { ...one, type: 'invite', author: one.author % 3 }
    const author = DEVICES.indexOf(invite.author)
    const log = CONTROL_LOGS.indexOf(invite.log)
    const { key, role } = invite.body
    return {
      ...one,
      type: 'admit',
      author,
      log,
      role,
      invite: KEYS.indexOf(key),
      level: Math.max(one.level, author + 1),
    }
  }
  if (one.type === 'come-back') {
    const gone = pickOf(earlier.filter(({ body }) => body.type === 'revoke' && body.device !== undefined))
    const device = gone?.body.type === 'revoke' ? DEVICES.indexOf(gone.body.device as PeerId) : one.device
    return { ...one, type: 'admit', author: one.names % 3 === 0 ? one.author : 0, device, invite: null, names: 0xff_fe }
  }
  return one
}

function bodyOf(one: Sketch, author: PeerId, earlier: readonly ControlRecord[]): ControlBody {
  const { role, level, names, from } = one
  const device = DEVICES[one.device] as PeerId
  const key = KEYS[one.invite ?? 0] as string
  const principal = PRINCIPALS[one.principal] as string
  const cuts = one.cuts.map(([log, seq]): Cut => [LOGS[log] as string, seq, `cut-${seq}` as RecordId])
  const log = LOGS[names % LOGS.length] as string
  const bytes = new Uint8Array()
  switch (one.type) {
    case 'invite':
      return { type: 'invite', key, role, uses: 1 + (names % 2), expires: EXPIRES_MS }
    case 'role':
      return { type: 'role', device, role, replaces: pick(about(earlier, device), names), cuts }
    case 'revoke':
      // Often of itself.
      return { type: 'revoke', device: names % 16 === 0 ? author : device, cuts }
    case 'take-back':
      return { type: 'revoke', invite: key, cuts }
    case 'accept': {
      const to = from + one.length
      const ends = names % 3 === 0 ? { first: `branch-${names % 5}` as RecordId } : {}
      return { type: 'accept', device, log, from, to, id: `at-${to}-${names % 7}` as RecordId, ...ends }
    }
    case 'erase':
      return { type: 'erase', device, log, seq: from }
    case 'epoch':
      return { type: 'epoch', n: 1, key, boxes: [] }
    case 'fork':
      return { type: 'fork', headerA: bytes, signatureA: bytes, headerB: bytes, signatureB: bytes }
    case 'rotate':
      return { type: 'rotate', device, principal, name: 'n', certificate: bytes, sealing: 'x', cuts, proof: bytes }
    default:
      return {
        type: 'admit',
        device,
        principal,
        role,
        level,
        name: 'n',
        certificate: bytes,
        sealing: 'x',
        ...(one.invite === null ? {} : { invite: key }),
        ...(one.isProven ? { proof: bytes } : {}),
        ...(names % 2 === 0
          ? { after: removals(earlier, device).filter((_, at) => ((names >> (at + 1)) & 3) > 0) }
          : {}),
      }
  }
}

function about(records: readonly ControlRecord[], device: PeerId): readonly RecordId[] {
  return records.filter(({ body }) => 'device' in body && body.device === device).map(({ id }) => id)
}

function removals(records: readonly ControlRecord[], device: PeerId): readonly RecordId[] {
  return records
    .filter(({ author, body }) =>
      body.type === 'rotate' ? author === device : body.type === 'revoke' && body.device === device,
    )
    .map(({ id }) => id)
}

function pick(ids: readonly RecordId[], names: number): RecordId {
  return ids[names % Math.max(1, ids.length)] ?? GENESIS_ID
}

/** Everything that follows from a membership, in the words of the reference. */
export function verdictsOf(membership: Membership, records: readonly ControlRecord[]): Verdicts {
  const { members, former, invites, rules, epochs, forks } = membership
  return {
    members: Object.fromEntries(
      [...members].map(([peer, one]) => [
        peer,
        [one.role, one.level, one.granted, one.admission, one.decision].join(' '),
      ]),
    ),
    former: Object.fromEntries(
      [...former].map(([peer, one]) => [
        peer,
        [
          one.role,
          one.level,
          one.reason,
          one.removedBy,
          one.successor ?? '-',
          one.revocations.join(),
          one.removerLevel,
        ].join(' '),
      ]),
    ),
    invites: Object.fromEntries(
      invites.map(({ by, log, id, used, revoked }) => [`${by} ${log} ${id}`, `${used} ${revoked}`]),
    ),
    rules: rulesOf(membership, records),
    erased: [...rules.erased].toSorted(),
    said: [...epochs, ...forks].map(({ record, level, isAdmin }) => `${record.id} ${level} ${isAdmin}`).toSorted(),
  }
}

export function rulesOf({ rules }: Membership, records: readonly ControlRecord[]): Readonly<Record<string, string>> {
  const authors = new Set([FOUNDER, ...records.map(({ author }) => author), ...records.flatMap(targetOf)])
  const logs = new Set(['00aa', ...records.map(({ log }) => log), ...records.flatMap(logsNamedBy)])
  const texts: Record<string, string> = {}
  for (const peer of authors) {
    for (const log of logs) {
      const { end, branches } = rules.ruleOf(peer, log)
      const isAdmitted = rules.admits(peer, log.startsWith('00') ? LOG_CLASS.control : LOG_CLASS.durable)
      const text = !isAdmitted ? 'none' : end === undefined ? 'all' : end.seq === 0 ? 'none' : `${end.seq} ${end.id}`
      texts[`${peer} ${log}`] = [text, ...branches.map(({ seq, id }) => `${seq}:${id}`).toSorted()].join(' ')
    }
  }
  return texts
}

function targetOf({ body }: ControlRecord): readonly PeerId[] {
  return 'device' in body && body.device !== undefined ? [body.device] : []
}

function logsNamedBy({ body }: ControlRecord): readonly string[] {
  const inCuts = 'cuts' in body ? (body.cuts ?? []).map(([log]) => log) : []
  return 'log' in body ? [...inCuts, body.log] : inCuts
}
