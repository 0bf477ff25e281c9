import {
  type Clock,
  delay,
  type Events,
  isPeerId,
  type Logger,
  type LogLevel,
  plainName,
  whenAborted,
} from '../../base/index.ts'
import { NodeError } from '../errors.ts'
import { detailsOf, type EventFilter, eventFilter, type NodeEvent } from './node-event.ts'
import { Ring } from './ring.ts'

/** What is remembered, apart from each other: many log lines push out no event. */
export const EVENTS_KEPT = 2_000
export const LOG_LINES_KEPT = 5_000
/** At most so many in one piece of an answer. */
const BATCH_MAX = 256
/** What happens in so short a time is told in one piece. */
const GATHER_MS = 100

/** A piece of the log. */
export interface EventBatch {
  readonly events: readonly NodeEvent[]
  /** Events and lines that were pushed out before this reader came to them, whether or not they pass its filter. */
  readonly lost: number
}

/** Events of whatever kinds. */
export type Watchable = Pick<Events<object>, 'onAny'>

/** Where a reader stands in each ring. */
interface Place {
  events: number
  lines: number
}

export interface EventLogComponents {
  readonly clock: Clock
}

/**
 * The newest events and log lines of a node. Every reader has a place of its own in them and nothing is queued for it: one
 * that is slow loses the oldest and is told how many.
 */
export class EventLog implements Disposable {
  readonly #use: EventLogComponents
  readonly #events = new Ring<NodeEvent>({ capacity: EVENTS_KEPT })
  readonly #lines = new Ring<NodeEvent>({ capacity: LOG_LINES_KEPT })
  readonly #waiting = new Set<() => void>()
  readonly #closed = new AbortController()
  #names: () => ReadonlyMap<string, string> = () => new Map()
  #seq = 0

  constructor(components: EventLogComponents) {
    this.#use = components
  }

  /** Lets go of whoever follows. */
  [Symbol.dispose](): void {
    this.#closed.abort(new NodeError('ERR_STOPPING', 'this peer is stopping'))
  }

  /** From now on members and spaces are shown with these names, by id. */
  useNames(names: () => ReadonlyMap<string, string>): void {
    this.#names = names
  }

  note(component: string, kind: string, fields: object, level: LogLevel = levelOf(kind)): void {
    this.#events.push(this.#eventOf(component, kind, fields, level))
    this.#wake()
  }

  /** Notes whatever these events tell, except the kinds in `but`. */
  watch(component: string, events: Watchable, but: readonly string[] = []): Disposable {
    return events.onAny((kind, detail) => {
      if (!but.includes(kind)) this.note(component, kind, typeof detail === 'object' && detail !== null ? detail : {})
    })
  }

  /** A logger that writes to `under` and keeps its lines of level debug and above, whatever `under` leaves out. */
  logger(under: Logger, component = 'node'): Logger {
    const keep = (level: LogLevel, fields: object, message: string): void => {
      this.#lines.push({ ...this.#eventOf(component, 'log', fields, level), message })
      this.#wake()
    }
    const write =
      (level: 'debug' | 'info' | 'warn' | 'error'): Logger['info'] =>
      (fields, message) => {
        keep(level, fields, message)
        under[level](fields, message)
      }
    return {
      trace: (fields, message) => under.trace(fields, message),
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => this.logger(under.child(fields), fields.module),
    }
  }

  /** What is remembered and passes, the oldest first; the newest `limit` of it. */
  recent(filter: EventFilter, limit: number): EventBatch {
    const { events, lost } = this.#read({ events: 0, lines: 0 }, filter, Number.POSITIVE_INFINITY)
    return { events: limit === 0 ? [] : events.slice(-limit), lost }
  }

  /** The newest `limit` events of level info and above, no log lines; cheap. */
  latest(limit: number): readonly NodeEvent[] {
    const names = this.#names()
    const passes = eventFilter({})
    const found: NodeEvent[] = []
    for (let place = this.#events.end - 1; place >= this.#events.begin && found.length < limit; place--) {
      const event = this.#events.at(place)
      if (event !== undefined && passes(event)) found.push(withNames(event, names))
    }
    return found.reverse()
  }

  /** What `recent` gives, and then what comes, until `asked` aborts or the node stops: rejects with the reason. */
  async *follow(filter: EventFilter, limit: number, asked: AbortSignal): AsyncGenerator<EventBatch, void> {
    const signal = AbortSignal.any([asked, this.#closed.signal])
    const place = { events: this.#events.end, lines: this.#lines.end }
    const { events } = this.recent(filter, limit)
    // At once, also when it is empty: the reader knows that it is heard.
    yield { events, lost: 0 }
    for (;;) {
      if (this.#isAtEnd(place)) await this.#more(signal)
      signal.throwIfAborted()
      const batch = this.#read(place, filter, BATCH_MAX)
      if (batch.events.length > 0 || batch.lost > 0) yield batch
    }
  }

  #eventOf(component: string, kind: string, fields: object, level: LogLevel): NodeEvent {
    const { peer, name, traceId } = fields as Readonly<Record<'peer' | 'name' | 'traceId', unknown>>
    const isAboutPeer = typeof peer === 'string' && isPeerId(peer)
    return {
      seq: ++this.#seq,
      at: this.#use.clock.now(),
      level,
      component,
      kind,
      ...(isAboutPeer ? { peer } : {}),
      ...(isAboutPeer && typeof name === 'string' ? { name: plainName(name) } : {}),
      ...(typeof traceId === 'string' ? { traceId } : {}),
      details: detailsOf(fields),
    }
  }

  /** The next `max` of both rings, in the order in which they came, and of these what passes. */
  #read(place: Place, filter: EventFilter, max: number): EventBatch {
    const lost = Math.max(0, this.#events.begin - place.events) + Math.max(0, this.#lines.begin - place.lines)
    place.events = Math.max(place.events, this.#events.begin)
    place.lines = Math.max(place.lines, this.#lines.begin)
    const passes = eventFilter(filter)
    const names = this.#names()
    const events: NodeEvent[] = []
    for (let read = 0; read < max; read++) {
      const event = this.#events.at(place.events)
      const line = this.#lines.at(place.lines)
      const isLine = event === undefined || (line !== undefined && line.seq < event.seq)
      const next = isLine ? line : event
      if (next === undefined) break
      if (isLine) place.lines++
      else place.events++
      const named = withNames(next, names)
      if (passes(named)) events.push(named)
    }
    return { events, lost }
  }

  #isAtEnd({ events, lines }: Place): boolean {
    return events >= this.#events.end && lines >= this.#lines.end
  }

  async #more(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    using _abort = whenAborted(signal, reject)
    this.#waiting.add(resolve)
    await promise.finally(() => this.#waiting.delete(resolve))
    await delay(this.#use.clock, GATHER_MS, signal)
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

function withNames(event: NodeEvent, names: ReadonlyMap<string, string>): NodeEvent {
  const { peer, details } = event
  const name = peer === undefined ? undefined : names.get(peer)
  const spaceName = typeof details.space === 'string' ? names.get(details.space) : undefined
  if (name === undefined && spaceName === undefined) return event
  return { ...event, ...(name === undefined ? {} : { name }), ...(spaceName === undefined ? {} : { spaceName }) }
}

/** By its name: what goes wrong is worth more attention than what comes and goes. */
function levelOf(kind: string): LogLevel {
  return /fail|degraded|refus|lost|suspect|overload|fork|missed/.test(kind) ? 'warn' : 'info'
}
