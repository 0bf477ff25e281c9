import type { Admission } from './types.ts'

/**
 * Lets in whoever finds us, on every topic, and tells everybody's addresses to everybody. For programs whose network is closed
 * by other means, for trials and tests; a node asks the membership of its spaces instead.
 */
export const openAdmission: Admission = {
  mayTakePart: () => ({ allowed: true }),
  mayUseTopic: () => true,
  mayIntroduce: () => true,
}
