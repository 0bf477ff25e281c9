import { plainName, quotedLine } from '../../base/index.ts'
import type { ComponentReport, PeerReport, SpaceReport } from '../../node/index.ts'
import type { Sample } from '../daemon/sample.ts'
import { eventLine } from '../events.ts'
import { age, counted, duration, type Style } from '../terminal.ts'
import { cellsOf, fit, shorten } from './cells.ts'
import { byteCount, percent, perSecond } from './numbers.ts'
import { busFigure, DATA_LANES, droppedIn, type Rates } from './rates.ts'

/** What is drawn. */
export interface View {
  readonly sample: Sample
  readonly rates: Rates | undefined
  /** Why the sample is not of this moment, if it is not. */
  readonly problem?: string | undefined
}

export interface FrameSize {
  readonly columns: number
  /** Infinity where nothing limits it. */
  readonly rows: number
}

/** States of peers that are reached now. */
const LIVE: ReadonlySet<string> = new Set(['ready', 'suspected', 'reachable'])

/** Colours a text, where there are colours. */
export type Paint = (style: Style, text: string) => string

const PEER_ROWS_MIN = 3
const SPACE_ROWS_MAX = 4
const NAME_CELLS = 18
const LINK_CELLS = 10
const COMPONENT_CELLS = 16
const KEYS = 'q quit'

/**
 * One screen, each line within `columns` cells and no more lines than `rows`: peers have what the fixed parts leave, then
 * come the components that are well, then the newest events. Pure.
 */
export function drawFrame(view: View, size: FrameSize, paint: Paint): readonly string[] {
  const draw = new Drawing(view, size, paint)
  const top = [...draw.head(), '', ...draw.bus(), '']
  const spaces = ['', ...draw.spaces(), '']
  const troubled = draw.components()
  const foot = size.rows === Number.POSITIVE_INFINITY ? [] : [draw.foot()]
  let left = size.rows - top.length - spaces.length - troubled.length - foot.length
  const peers = draw.peers(Math.max(PEER_ROWS_MIN, left - 1))
  left -= peers.length
  const well = draw.wellComponents(left)
  left -= well.length
  const events = draw.events(left - 2)
  const body = [...top, ...peers, ...spaces, ...troubled, ...well, ...events]
  if (foot.length === 0) return body
  const shown = body.slice(0, size.rows - 1)
  return [...shown, ...Array.from({ length: size.rows - 1 - shown.length }, () => ''), ...foot]
}

class Drawing {
  readonly #view: View
  readonly #columns: number
  readonly #paint: Paint

  constructor(view: View, { columns }: FrameSize, paint: Paint) {
    this.#view = view
    this.#columns = columns
    this.#paint = paint
  }

  head(): readonly string[] {
    const { sample, rates, problem } = this.#view
    const { status, process, at } = sample
    const { residentBytes, eventLoopDelaySeconds, storeBytes, walBytes, diskFreeBytes } = process
    const time = new Date(at).toTimeString().slice(0, 8)
    const title = `plexus ${status.state}  ${plainName(status.name)}  up ${duration(status.uptimeMs)}  version ${status.version}`
    const line = fit(title, this.#columns - time.length - 1)
    const vitals = [
      `cpu ${rates === undefined ? '-' : percent(rates.cpu)}`,
      `memory ${byteCount(residentBytes)}`,
      `loop ${duration(eventLoopDelaySeconds * 1_000)}`,
      `store ${byteCount(storeBytes + walBytes)}`,
      `free ${byteCount(diskFreeBytes)}`,
    ]
    const said = problem ?? status.reason
    return [
      this.#paint(problem === undefined ? styleOf(status.state) : 'red', `${line} ${time}`),
      this.#line(vitals.join('   ')),
      ...(said === undefined ? [] : [this.#paint(problem === undefined ? 'yellow' : 'red', this.#line(said))]),
    ]
  }

  bus(): readonly string[] {
    const { sample, rates } = this.#view
    const cells = (title: string, values: readonly string[]): string =>
      this.#line(fit(title, 10) + values.map((value) => fit(value, 12, 'right')).join(''))
    const rate = (value: number | undefined): string => (value === undefined ? '-' : perSecond(value))
    const flow = (direction: 'in' | 'out'): readonly string[] => [
      ...DATA_LANES.map((lane) => rate(rates?.[direction].frames[lane])),
      rates === undefined ? '-' : `${byteCount(rates[direction].bytes)}/s`,
      rate(rates?.[direction].requests),
    ]
    const queued = DATA_LANES.map((lane) => String(busFigure(sample, `${lane}Queued`)))
    const waiting = [
      ...queued,
      byteCount(busFigure(sample, 'queuedBytes')),
      String(busFigure(sample, 'requestsInFlight')),
    ]
    const lost = [
      `dropped ${droppedIn(sample)} (${rate(rates?.dropped)})`,
      `expired ${busFigure(sample, 'droppedExpired')} (${rate(rates?.expired)})`,
      `overloads ${busFigure(sample, 'droppedFull')}`,
      `faults ${busFigure(sample, 'faults')}`,
      `subscribers ${busFigure(sample, 'subscriptions')} (${busFigure(sample, 'subscriptionsQueued')} wait)`,
    ]
    const isLosing = (rates?.dropped ?? 0) + (rates?.expired ?? 0) > 0
    return [
      this.#heading(cells('BUS', ['critical', 'normal', 'bulk', 'bytes', 'requests'])),
      cells('in', flow('in')),
      cells('out', flow('out')),
      cells('waiting', waiting),
      this.#paint(isLosing ? 'yellow' : 'dim', this.#line(lost.join('  '))),
    ]
  }

  peers(rows: number): readonly string[] {
    const { status, peers } = this.#view.sample
    const title = `PEERS  ${status.peers.ready} of ${status.peers.known} ready`
    if (peers.length === 0) return [this.#heading(title), this.#line('nobody yet; let one in with: plexus invite')]
    const sorted = peers.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.name ?? a.peer).localeCompare(b.name ?? b.peer))
    const shown = sorted.length <= rows ? sorted : sorted.slice(0, Math.max(0, rows - 1))
    const rest = sorted.slice(shown.length)
    const more =
      rest.length === 0 ? [] : [this.#line(`and ${rest.length} more, ${rest.filter(isReady).length} of them ready`)]
    return [this.#heading(title), ...shown.map((peer) => this.#peer(peer)), ...more]
  }

  #peer(peer: PeerReport): string {
    const { state, kind, rttMs, since } = peer
    const isLive = LIVE.has(state)
    const quality = isLive && state !== 'suspected' ? (kind ?? 'direct') : state
    const rtt = rttMs === undefined || !isLive ? '-' : duration(rttMs)
    const why = this.#wayTo(peer)
    const left = `${fit(plainName(peer.name ?? peer.peer.slice(-12)), NAME_CELLS)} `
    const right = ` ${fit(rtt, 8, 'right')} ${fit(age(since, this.#view.sample.at), 11, 'right')}  `
    const room = Math.max(0, this.#columns - cellsOf(left) - LINK_CELLS - right.length)
    const word = this.#paint(
      state === 'ready' ? 'green' : state === 'refused' ? 'red' : 'yellow',
      fit(quality, LINK_CELLS),
    )
    return `${left}${word}${right}${this.#paint('dim', shorten(quotedIfNeeded(why, room), room))}`
  }

  /** How a peer is reached, or why not. */
  #wayTo({ state, encryption, address, via, reason }: PeerReport): string {
    if (!LIVE.has(state)) return reason ?? ''
    const between = this.#view.sample.peers.find(({ peer }) => peer === via)
    const through = via === undefined ? undefined : `via ${plainName(between?.name ?? via.slice(-8))}`
    return [through, encryption, reason ?? address].filter((part) => part !== undefined).join(' ')
  }

  spaces(): readonly string[] {
    const shared = this.#view.sample.status.spaces.filter((space) => !space.personal)
    const title = `SPACES  ${shared.length}   ${counted(this.#view.sample.status.records, 'record')}`
    if (shared.length === 0) return [this.#heading(title), this.#line('none is shared yet')]
    const sorted = shared.toSorted((a, b) => b.progress.behind - a.progress.behind || a.name.localeCompare(b.name))
    const shown = sorted.length <= SPACE_ROWS_MAX ? sorted : sorted.slice(0, SPACE_ROWS_MAX - 1)
    const more = sorted.length === shown.length ? [] : [this.#line(`and ${sorted.length - shown.length} more`)]
    return [this.#heading(title), ...shown.map((space) => this.#space(space)), ...more]
  }

  #space({ name, role, members, progress }: SpaceReport): string {
    const { behind, inStepWith, parked } = progress
    const others = members - 1
    const parts = [
      fit(role ?? '-', 8),
      fit(counted(members, 'member'), 12),
      behind === 0 ? 'nothing missing' : `${counted(behind, 'record')} behind`,
      `in step with ${inStepWith.length} of ${others}`,
      ...(parked === 0 ? [] : [`${parked} wait for what comes before them`]),
    ]
    const line = this.#line(`${fit(plainName(name), NAME_CELLS)} ${parts.join('  ')}`)
    return behind === 0 ? line : this.#paint('yellow', line)
  }

  /** Only those that are not well; one line when all are. */
  components(): readonly string[] {
    const { components } = this.#view.sample.status
    const troubled = components.filter(({ state }) => state !== 'ok')
    const title = `COMPONENTS  ${components.length - troubled.length} of ${components.length} well`
    return [this.#heading(title), ...troubled.flatMap((component) => this.#component(component))]
  }

  /** Their names side by side, if there is room for all. */
  wellComponents(rows: number): readonly string[] {
    const well = this.#view.sample.status.components.filter(({ state }) => state === 'ok')
    const perLine = Math.max(1, Math.floor(this.#columns / COMPONENT_CELLS))
    const lines = Array.from({ length: Math.ceil(well.length / perLine) }, (_, row) =>
      well
        .slice(row * perLine, (row + 1) * perLine)
        .map(({ name }) => `${this.#paint('green', 'ok')} ${fit(name, COMPONENT_CELLS - 4)} `),
    )
    return lines.length <= rows ? lines.map((line) => line.join('').trimEnd()) : []
  }

  #component({ name, state, reason, fix, since }: ComponentReport): readonly string[] {
    const when = age(since, this.#view.sample.at)
    const line = this.#line(`${fit(name, 12)} ${fit(state, 9)} ${reason ?? ''} (${when})`)
    return [
      this.#paint(state === 'failed' ? 'red' : 'yellow', line),
      ...(fix === undefined ? [] : [this.#line(`${' '.repeat(13)}fix: ${fix}`)]),
    ]
  }

  events(rows: number): readonly string[] {
    const { events } = this.#view.sample
    if (events.length === 0 || rows < 1) return []
    const lines = events.slice(-rows).map((event) => this.#line(eventLine(event, (_, text) => text)))
    return ['', this.#heading('EVENTS'), ...lines]
  }

  foot(): string {
    return this.#paint('dim', this.#line(KEYS))
  }

  #heading(text: string): string {
    return this.#paint('bold', this.#line(text))
  }

  /** One line of plain text: whatever else is in it was said by others. */
  #line(text: string): string {
    return shorten(text.replace(/[\p{Cc}\p{Cf}]/gu, ' '), this.#columns).trimEnd()
  }
}

function styleOf(state: string): Style {
  return state === 'ok' ? 'green' : state === 'degraded' ? 'yellow' : 'red'
}

/** What others said, in quotes; addresses and the like as they are. */
function quotedIfNeeded(text: string, room: number): string {
  return /^[\w./: -]*$/.test(text) ? text : quotedLine(text, Math.max(8, room - 2))
}

const isReady = ({ state }: PeerReport): boolean => state === 'ready'

/** Whom we talk with, then whom we would, then the absent. */
function rankOf({ state }: PeerReport): number {
  return ['ready', 'suspected', 'reachable', 'connecting', 'refused', 'offline'].indexOf(state)
}
