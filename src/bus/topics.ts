import { BusError } from './errors.ts'
import { KIND_MAX_CHARS } from './limits.ts'
import { TOPIC_MAX_CHARS } from './types.ts'

const PRINTABLE_ASCII = /^[!-~]+$/
const SEPARATOR = /[./]/

/** Topics that anybody may speak on, members or not: those whose first segment of several is `open`. */
export function isOpenTopic(topic: string): boolean {
  return topic.startsWith('open/') || topic.startsWith('open.')
}

/** What was last found to be a topic, or a kind: the next one often is the same. */
let lastTopic = ''
let lastKind = ''

/** Segments of printable ASCII separated by `.` or `/`, none empty, no `*`. */
export function isTopic(text: string): boolean {
  if (text === lastTopic && text !== '') return true
  if (!isPattern(text) || text.includes('*')) return false
  lastTopic = text
  return true
}

export function isKind(text: string): boolean {
  if (text === lastKind && text !== '') return true
  if (text.length > KIND_MAX_CHARS || !isPrintable(text)) return false
  lastKind = text
  return true
}

export function isPrintable(text: string): boolean {
  return PRINTABLE_ASCII.test(text)
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

/**
 * Says whether a topic matches: `*` stands for one segment, `**` for any number, none included. What strangers say reaches
 * only those who ask for it: a pattern matches open topics if it begins with `open` itself, `**` does not. Throws
 * `ERR_TOPIC_INVALID` for a pattern that can match nothing.
 */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  if (!isPattern(pattern) || pattern.split(SEPARATOR).some(isPartial)) {
    throw new BusError(
      'ERR_TOPIC_INVALID',
      `not a topic pattern: ${JSON.stringify(pattern.slice(0, TOPIC_MAX_CHARS))}`,
      {
        fix: 'Use segments separated by "." or "/"; "*" stands for one whole segment and "**" for any number.',
      },
    )
  }
  const wanted = pattern.split(SEPARATOR)
  const isForOpen = isOpenTopic(pattern)
  return (topic) => (isForOpen || !isOpenTopic(topic)) && matches(wanted, topic.split(SEPARATOR))
}

function isPattern(text: string): boolean {
  return text.length <= TOPIC_MAX_CHARS && isPrintable(text) && !text.split(SEPARATOR).includes('')
}

/** Such as `lab*`: no topic has a star in it. */
function isPartial(segment: string): boolean {
  return segment.includes('*') && segment !== '*' && segment !== '**'
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
