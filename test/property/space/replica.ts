import type { PeerId, SpaceId } from '../../../src/base/index.ts'
import { LOG_CLASS, type StoredRecord } from '../../../src/records/index.ts'
import { CONTROL_KIND, type ControlRecord } from '../../../src/space/index.ts'
import { SpaceState } from '../../../src/space/space-state.ts'

const SPACE = 'a'.repeat(64) as SpaceId
/** Levels and rotations of the sets that the tests make are far fewer: whatever does not rest by then never does. */
const ROUNDS_MAX = 64

export function storedForm(control: ControlRecord): StoredRecord {
  const { id, author, log, seq, hlc, body } = control
  return {
    rid: 0,
    id,
    space: SPACE,
    author,
    class: LOG_CLASS.control,
    log,
    seq,
    hlc,
    kind: CONTROL_KIND[body.type],
    exp: 0,
    body: undefined,
    signatureChecked: true,
  }
}

export function stateOf(genesis: ControlRecord<'genesis'>, records: Iterable<ControlRecord>): SpaceState {
  const state = new SpaceState(storedForm(genesis), genesis)
  for (const record of records) state.add(storedForm(record), record)
  return state
}

/**
 * A store of control records as docs/specs/records.md wants it, as small as can be: it takes the next record of a log whose author may
 * write it, up to where the rules end that log; after each change it sets aside what does not count any more and takes back what
 * does, until that changes nothing.
 */
export class Replica {
  readonly #genesis: ControlRecord<'genesis'>
  readonly #logs = new Map<string, ControlRecord[]>()
  /** Set aside: empty if it forgets. */
  readonly #voided = new Map<string, ControlRecord[]>()
  readonly #forgets: boolean
  state: SpaceState

  constructor(genesis: ControlRecord<'genesis'>, options: { readonly forgets?: boolean } = {}) {
    this.#genesis = genesis
    this.#forgets = options.forgets ?? false
    this.#logs.set(keyOf(genesis), [])
    this.state = stateOf(genesis, [])
  }

  /** In the order of each log. */
  get records(): readonly ControlRecord[] {
    return [...this.#logs.values()].flat()
  }

  /** Says whether it took the record. */
  offer(record: ControlRecord): boolean {
    if (!this.#mayFollow(record)) return false
    this.#append(record)
    this.#settle()
    return true
  }

  /** Takes what the other holds, as long as there is anything to take. */
  pull(other: Replica): boolean {
    let isNew = false
    for (let grows = true; grows; isNew ||= grows) {
      grows = other.records.filter((record) => this.offer(record)).length > 0
    }
    return isNew
  }

  #mayFollow(record: ControlRecord): boolean {
    const held = this.#logs.get(keyOf(record)) ?? []
    const next = (held.at(-1)?.seq ?? (keyOf(record) === keyOf(this.#genesis) ? 1 : 0)) + 1
    return record.seq === next && record.seq <= this.#endOf(record)
  }

  #endOf({ author, log }: ControlRecord): number {
    const { rules } = this.state.membership
    if (!rules.admits(author as PeerId, LOG_CLASS.control)) return 0
    return rules.ruleOf(author, log).end?.seq ?? Number.POSITIVE_INFINITY
  }

  #append(record: ControlRecord): void {
    const log = this.#logs.get(keyOf(record))
    if (log === undefined) this.#logs.set(keyOf(record), [record])
    else log.push(record)
    this.state.add(storedForm(record), record)
  }

  #settle(): void {
    for (let rounds = 0; this.#applyRules(); rounds++) {
      if (rounds > ROUNDS_MAX) throw new Error('the rules do not come to rest')
    }
  }

  #applyRules(): boolean {
    let isChanged = false
    // All logs by the same rules, as they were before.
    const ends = new Map([...this.#logs].map(([key, log]) => [key, log[0] === undefined ? 0 : this.#endOf(log[0])]))
    for (const [key, log] of this.#logs) {
      const counting = log.filter(({ seq }) => seq <= (ends.get(key) ?? 0))
      if (counting.length === log.length) continue
      if (!this.#forgets) this.#voided.set(key, [...log.slice(counting.length), ...(this.#voided.get(key) ?? [])])
      log.length = counting.length
      isChanged = true
    }
    if (isChanged) this.state = stateOf(this.#genesis, this.records)
    for (const [key, voided] of this.#voided) {
      while (voided[0] !== undefined && this.#mayFollow(voided[0])) {
        this.#append(voided.shift() as ControlRecord)
        isChanged = true
      }
      if (voided.length === 0) this.#voided.delete(key)
    }
    return isChanged
  }
}

function keyOf({ author, log }: ControlRecord): string {
  return `${author}/${log}`
}
