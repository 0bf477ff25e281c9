import type { PeerId } from '../base/index.ts'
import { LOG_CLASS, type LogClass, type LogRule, NO_RULE, type RecordPlace } from '../records/index.ts'
import type { ControlRecord } from './control-records.ts'
import type { Device } from './device.ts'
import type { Hearsay } from './hearing.ts'
import { type Acceptance, acceptedOf, isControlLog, type LogEnd } from './log-windows.ts'
import { isAtLeast } from './roles.ts'
import { placeOf } from './terms.ts'
import type { Role } from './types.ts'

export interface SpaceRulesInit {
  readonly genesis: ControlRecord<'genesis'>
  readonly devices: ReadonlyMap<PeerId, Device>
  readonly hearsay: Hearsay
  readonly recovery: PeerId | undefined
}

/** Rules that are kept once worked out; beyond that all are worked out anew. */
const RULES_MAX = 4_096

/** Of a device all of whose logs count. */
export const PLAIN_MARK = 'all'

/** The role that a log of this class needs its author to have had. */
export function neededFor(logClass: LogClass): Role {
  return logClass === LOG_CLASS.control ? 'relay' : 'writer'
}

/** What a membership says of the logs of a space. */
export class SpaceRules {
  readonly #init: SpaceRulesInit
  readonly #rules = new Map<string, LogRule>()
  #erased: ReadonlySet<string> | undefined
  #marks: ReadonlyMap<PeerId, string> | undefined

  constructor(init: SpaceRulesInit) {
    this.#init = init
  }

  /** Whether the device ever had a role that a log of this class needs. */
  admits(peer: PeerId, logClass: LogClass): boolean {
    const { devices, recovery } = this.#init
    if (peer === recovery) return logClass === LOG_CLASS.control
    return isAtLeast(devices.get(peer)?.granted, neededFor(logClass))
  }

  wasAdmin(peer: PeerId): boolean {
    return isAtLeast(this.#init.devices.get(peer)?.granted, 'admin')
  }

  /** Where a log ends that `admits` lets be; of others it says nothing. */
  ruleOf(peer: PeerId, log: string): LogRule {
    const device = this.#init.devices.get(peer)
    const own = this.#init.hearsay.ownChoices.get(peer) ?? []
    // As of most members: nothing was ever said that would end one of its logs.
    if (device === undefined || isUntouched(device, own)) return NO_RULE
    if (!this.admits(peer, isControlLog(log) ? LOG_CLASS.control : LOG_CLASS.durable)) return NO_RULE
    // The store asks for every record.
    const key = `${peer}/${log}`
    const known = this.#rules.get(key)
    if (known !== undefined) return known
    // A stranger may ask about names that it makes up.
    if (this.#rules.size >= RULES_MAX) this.#rules.clear()
    const rule = this.#workOut(device, log, own)
    this.#rules.set(key, rule)
    return rule
  }

  #workOut({ peer, tenure, keptOf }: Device, log: string, own: readonly Acceptance[]): LogRule {
    const { genesis } = this.#init
    const end = isControlLog(log) ? keptOf(log) : placeOf(tenure, log, own).end
    if (peer === genesis.author && log === genesis.log && end.seq === 0) return ruleOf({ seq: 1, id: genesis.id }, [])
    const branches = acceptedOf([...tenure.accepts, ...own], log).flatMap(({ from, first }) =>
      first === undefined ? [] : [{ seq: from, id: first }],
    )
    return ruleOf(end, branches)
  }

  isErased(peer: PeerId, log: string, seq: number): boolean {
    return this.erased.has(placeKey(peer, log, seq))
  }

  /** Places of records whose bodies are dropped, for `placeOfKey`. */
  get erased(): ReadonlySet<string> {
    this.#erased ??= new Set(this.#erasedPlaces())
    return this.#erased
  }

  *#erasedPlaces(): Iterable<string> {
    const { devices, hearsay } = this.#init
    for (const { record, level, isAdmin } of hearsay.erasures) {
      const { device, log, seq } = record.body
      const target = devices.get(device)
      if (target === undefined || isControlLog(log)) continue
      if (record.author === device || (isAdmin && level < target.level)) yield placeKey(device, log, seq)
    }
  }

  /** By device, what its rules depend on: where the text is the same, so are the rules. */
  get marks(): ReadonlyMap<PeerId, string> {
    this.#marks ??= new Map([...this.#init.devices].map(([peer, device]) => [peer, this.#markOf(device)]))
    return this.#marks
  }

  #markOf(device: Device): string {
    const { peer, granted, tenure } = device
    const { revocations, accepts, terms } = tenure
    const own = this.#init.hearsay.ownChoices.get(peer) ?? []
    const mark = isAtLeast(granted, 'writer') ? PLAIN_MARK : 'control'
    if (isUntouched(device, own)) return mark
    const ids = (list: readonly { readonly id: string }[]): readonly string[] => list.map(({ id }) => id).toSorted()
    const undone = terms.map((term) => [...term.undone].toSorted().join())
    return JSON.stringify([mark, ids(revocations), ids(accepts), ids(own), undone.toSorted()])
  }
}

function isUntouched({ tenure }: Device, own: readonly Acceptance[]): boolean {
  return tenure.revocations.length + tenure.accepts.length + own.length === 0
}

export function placeKey(peer: PeerId, log: string, seq: number): string {
  return `${peer}/${log}/${seq}`
}

export function placeOfKey(key: string): RecordPlace {
  const [author, log, seq] = key.split('/') as [PeerId, string, string]
  return { author, log, seq: Number(seq) }
}

function ruleOf(end: LogEnd, branches: LogRule['branches']): LogRule {
  if (Number.isFinite(end.seq)) return { end: { seq: end.seq, id: end.id }, branches }
  return branches.length === 0 ? NO_RULE : { branches }
}
