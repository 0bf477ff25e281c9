import { BusError } from './errors.ts'
import { KIND_MAX_CHARS } from './limits.ts'
import { TOPIC_MAX_CHARS } from './types.ts'

const PRINTABLE_ASCII = /^[!-~]+$/
const SEPARATOR = /[./]/

/** Segments of printable ASCII separated by `.` or `/`, none empty, no `*`. */
export function isTopic(text: string): boolean {
  return isPattern(text) && !text.includes('*')
}

export function isKind(text: string): boolean {
  return text.length <= KIND_MAX_CHARS && PRINTABLE_ASCII.test(text)
}

export function assertTopic(topic: string): void {
  if (isTopic(topic)) return
  throw new BusError('ERR_TOPIC_INVALID', `not a topic: ${JSON.stringify(topic.slice(0, TOPIC_MAX_CHARS))}`, {
    fix: 'Use segments of printable ASCII separated by "." or "/", at most 200 characters, without "*".',
  })
}

export function assertKind(kind: string): void {
  if (isKind(kind)) return
  throw new BusError('ERR_KIND_INVALID', `not a kind: ${JSON.stringify(kind.slice(0, KIND_MAX_CHARS))}`, {
    fix: `Use 1 to ${KIND_MAX_CHARS} characters of printable ASCII.`,
  })
}

/** Says whether a topic matches. Throws `ERR_TOPIC_INVALID` for a pattern that can match nothing. */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  if (!isPattern(pattern)) {
    throw new BusError(
      'ERR_TOPIC_INVALID',
      `not a topic pattern: ${JSON.stringify(pattern.slice(0, TOPIC_MAX_CHARS))}`,
      {
        fix: 'Use segments separated by "." or "/"; "*" stands for one segment and "**" for any number.',
      },
    )
  }
  const wanted = pattern.split(SEPARATOR)
  return (topic) => matches(wanted, topic.split(SEPARATOR))
}

function isPattern(text: string): boolean {
  return text.length <= TOPIC_MAX_CHARS && PRINTABLE_ASCII.test(text) && !text.split(SEPARATOR).includes('')
}

/** Glob matching that backs up to the last `**` only: at worst the product of the two lengths, never exponential. */
function matches(wanted: readonly string[], topic: readonly string[]): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (next < topic.length) {
    const segment = wanted[at]
    if (segment === '**') {
      star = at++
      resume = next
    } else if (segment !== undefined && (segment === '*' || segment === topic[next])) {
      at++
      next++
    } else if (star >= 0) {
      at = star + 1
      next = ++resume
    } else {
      return false
    }
  }
  while (wanted[at] === '**') at++
  return at === wanted.length
}
