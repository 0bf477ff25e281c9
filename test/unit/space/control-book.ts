import { HLC_STEPS_PER_MS, type PeerId, type RecordId } from '../../../src/base/index.ts'
import { LOG_CLASS } from '../../../src/records/index.ts'
import {
  type ControlFields,
  type ControlRecord,
  type ControlType,
  type Cut,
  evaluateMembership,
  type GrantableRole,
  type Membership,
} from '../../../src/space/index.ts'

export const F: PeerId = 'founder' as PeerId
export const A: PeerId = 'a' as PeerId
export const B: PeerId = 'b' as PeerId
export const C: PeerId = 'c' as PeerId
export const D: PeerId = 'd' as PeerId
export const N: PeerId = 'n' as PeerId
export const M: PeerId = 'm' as PeerId
/** A device writes its control records here, unless it says otherwise. */
export const LOG = '00000000000000aa'
export const OTHER_LOG = '00000000000000bb'
export const DATA = '01000000000000aa'
export const OTHER_DATA = '01000000000000bb'

const BYTES = new Uint8Array()

export interface Where {
  readonly log?: string
  readonly ms?: number
}

/** Writes control records as devices would, and tells what follows from them. */
export class Book {
  readonly genesis: ControlRecord<'genesis'>
  readonly records: ControlRecord[] = []
  readonly #seq = new Map<string, number>()

  constructor(fields: Partial<ControlFields['genesis']> = {}) {
    this.genesis = this.write(F, 'genesis', {
      v: 1,
      name: 'lab',
      personal: false,
      principal: 'p',
      certificate: BYTES,
      sealing: 's',
      member: 'f',
      history: 'all',
      ...fields,
    }) as ControlRecord<'genesis'>
    this.records.length = 0
  }

  write<T extends ControlType>(author: PeerId, type: T, fields: ControlFields[T], where: Where = {}): ControlRecord {
    const { log = LOG, ms = 0 } = where
    const seq = (this.#seq.get(author + log) ?? 0) + 1
    this.#seq.set(author + log, seq)
    const id = `${author}${log === LOG ? '' : log.slice(-1)}-${seq}` as RecordId
    const record = { id, author, log, seq, hlc: ms * HLC_STEPS_PER_MS, body: { type, ...fields } } as ControlRecord
    this.records.push(record)
    return record
  }

  admit(
    author: PeerId,
    device: PeerId,
    role: GrantableRole,
    level: number,
    fields: Partial<ControlFields['admit']> & Where = {},
  ): ControlRecord {
    const { log, ms, ...more } = fields
    const body = {
      device,
      principal: `of ${device}`,
      role,
      level,
      name: 'n',
      certificate: BYTES,
      sealing: 's',
      ...more,
    }
    return this.write(author, 'admit', body, { ...(log && { log }), ...(ms !== undefined && { ms }) })
  }

  role(author: PeerId, device: PeerId, role: GrantableRole, replaces: ControlRecord, cut = 0): ControlRecord {
    const cuts = [[LOG, cut, replaces.id]] as const
    return this.write(author, 'role', { device, role, replaces: replaces.id, cuts: cut === 0 ? [] : cuts })
  }

  /** With the cuts given by log: `{ [LOG]: 3 }`. */
  revoke(author: PeerId, device: PeerId, cuts: Readonly<Record<string, number>>, where?: Where): ControlRecord {
    return this.write(author, 'revoke', { device, cuts: cutsOf(cuts) }, where)
  }

  rotate(
    author: PeerId,
    device: PeerId,
    cuts: Readonly<Record<string, number>>,
    where: Where & { readonly principal?: string } = {},
  ): ControlRecord {
    const { principal = author === F ? 'p' : `of ${author}` } = where
    const fields = { device, principal, name: 'n', certificate: BYTES, sealing: 's', proof: BYTES }
    return this.write(author, 'rotate', { ...fields, cuts: cutsOf(cuts) }, where)
  }

  accept(
    author: PeerId,
    device: PeerId,
    stretch: { readonly log?: string; readonly from: number; readonly to: number; readonly first?: string },
    where?: Where,
  ): ControlRecord {
    const { log = DATA, from, to, first } = stretch
    const branch = first === undefined ? {} : { first: first as RecordId }
    return this.write(author, 'accept', { device, log, from, to, id: idAt(to), ...branch }, where)
  }

  evaluate(): Membership {
    return evaluateMembership(this.genesis, this.records)
  }

  roles(): Record<string, string> {
    return Object.fromEntries([...this.evaluate().members].map(([peer, { role }]) => [peer, role]))
  }

  /** How far a log counts: a number, or `all`, or `unknown` for what may not be written. */
  end(device: PeerId, log: string = DATA): number | 'all' | 'unknown' {
    const { rules } = this.evaluate()
    if (!rules.admits(device, log.startsWith('00') ? LOG_CLASS.control : LOG_CLASS.durable)) return 'unknown'
    return rules.ruleOf(device, log).end?.seq ?? 'all'
  }
}

function cutsOf(cuts: Readonly<Record<string, number>>): readonly Cut[] {
  return Object.entries(cuts).map(([log, seq]) => [log, seq, idAt(seq)])
}

function idAt(seq: number): RecordId {
  return `at-${seq}` as RecordId
}
