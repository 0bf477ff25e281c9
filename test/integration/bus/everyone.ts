import type { PeerId } from '../../../src/base/index.ts'
import type { Admission } from '../../../src/bus/index.ts'

/** Admission that lets everyone do everything, but for those who are banned. */
export function everyone(banned: ReadonlySet<PeerId> = new Set()): Admission {
  return {
    mayTakePart: (peer) => (banned.has(peer) ? { allowed: false, reason: 'no space in common' } : { allowed: true }),
    mayUseTopic: () => true,
    mayIntroduce: () => true,
  }
}
