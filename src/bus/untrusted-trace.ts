import { isTraceparent } from '../base/index.ts'
import type { Counters } from './counters.ts'
import type { Message } from './types.ts'

/** A message that came, without its trace if that is none: a trace is never a reason to lose a message. */
export function withSoundTrace(message: Message, counters: Counters): Message {
  if (message.trace === '' || isTraceparent(message.trace)) return message
  counters.droppedTraces++
  return { ...message, trace: '' }
}
