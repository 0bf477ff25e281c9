import type { Admission } from '../../src/bus/index.ts'

export const ECHO = '/plexus/bench/echo'
export const SINK = '/plexus/bench/sink'

export const OPEN_DOOR: Admission = {
  mayTakePart: () => ({ allowed: true }),
  mayUseTopic: () => true,
  mayIntroduce: () => true,
}
