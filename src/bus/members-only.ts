import { isOpenTopic } from './topics.ts'
import type { Admission } from './types.ts'

/** Open topics do not travel on lanes: there, who speaks would not be proven to those further on. */
export function membersOnly(admission: Admission): Admission {
  return {
    mayTakePart: (peer) => admission.mayTakePart(peer),
    mayUseTopic: (peer, topic) => !isOpenTopic(topic) && admission.mayUseTopic(peer, topic),
    groupOf: (topic) => admission.groupOf?.(topic),
    membersOf: (group) => admission.membersOf?.(group),
    mayIntroduce: (to, about) => admission.mayIntroduce(to, about),
  }
}
