import type { PeerId } from '../base/index.ts'
import { type AuthorityVerdict, KIND_RANGES, LOG_CLASS, type LogClass, type Write } from '../records/index.ts'
import { isAtLeast } from './roles.ts'
import { neededFor } from './rules.ts'
import type { SpaceState } from './space-state.ts'
import { CONTROL_KIND, type Role } from './types.ts'

export interface WriteContext {
  readonly self: PeerId
  /** `undefined` for a space that we do not know. */
  readonly state: SpaceState | undefined
  /** We are joining this space. */
  readonly expected: boolean
}

const ALLOWED: AuthorityVerdict = { allowed: true }

/**
 * Whether a peer of this role may be given records of this class. A relay keeps for others what it cannot read: control
 * records, which everybody needs first, and ciphertexts.
 */
export function mayReceive(role: Role | undefined, logClass: LogClass, isEncrypted: boolean): boolean {
  return isAtLeast(role, logClass === LOG_CLASS.control || isEncrypted ? 'relay' : 'reader')
}

/**
 * Whether a record may be stored. What is signed is judged by the highest role that its author ever had, so that the same logs
 * end up at all members in whatever order the control records come, with the author too; what a control record then counts
 * for is the evaluator's to say. What we are about to sign obeys our role as it is now.
 */
export function judgeWrite(write: Write, context: WriteContext): AuthorityVerdict {
  const { author, kind } = write
  const { self, state, expected } = context
  if (isControlKind(kind) !== (write.class === LOG_CLASS.control)) {
    return refused(`kind ${kind} does not belong in a log of class ${write.class}`)
  }
  if (kind === CONTROL_KIND.genesis) {
    if (write.seq !== 1) return refused('a genesis is the first record of its log')
    const welcome = state === undefined ? expected || author === self : author === state.genesis.author
    return welcome ? ALLOWED : refused('the space is not known here')
  }
  // What comes before the genesis of a space that we are joining waits for it.
  if (state === undefined) return { allowed: false, unknown: expected, reason: 'the space is not known here' }
  const { isNew = false } = write
  const needed = isNew ? neededNow(write) : neededFor(write.class)
  const may = isNew ? isAtLeast(state.membership.members.get(author)?.role, needed) : state.mayHold(author, write.class)
  return may ? ALLOWED : { allowed: false, unknown: true, reason: `that takes the role ${needed} or a higher one` }
}

/** What every member may write of the control records: about itself, and about other devices of its own. */
const FOR_EVERYONE = new Set<number>([
  CONTROL_KIND.admit,
  CONTROL_KIND.revoke,
  CONTROL_KIND.accept,
  CONTROL_KIND.epoch,
  CONTROL_KIND.erase,
  CONTROL_KIND.fork,
  CONTROL_KIND.rotate,
])

function neededNow({ class: logClass, kind }: Write): Role {
  return logClass === LOG_CLASS.control && !FOR_EVERYONE.has(kind) ? 'admin' : neededFor(logClass)
}

function isControlKind(kind: number): boolean {
  const [first, last] = KIND_RANGES.space
  return kind >= first && kind <= last
}

function refused(reason: string): AuthorityVerdict {
  return { allowed: false, unknown: false, reason }
}
