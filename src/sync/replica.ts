import { type Clock, delay, type Logger, type PeerId, reasonOf, type SpaceId } from '../base/index.ts'
import type { Bus } from '../bus/index.ts'
import { decodeFrames, decodeHeader, type Frame, type Journal, type LogHead, RecordsError } from '../records/index.ts'
import { SyncError } from './errors.ts'
import { GROUPS, type Group, groupOf } from './log-index.ts'
import type { SyncStore } from './sync-store.ts'
import type { Replication } from './types.ts'
import { decodeBodies, encodeBodiesRequest, type Keeping, type Range, WANT_MAX_RANGES } from './wire.ts'

/** Parts of logs in which missing bodies are looked for; beyond that the first is forgotten, and scrubbing finds it. */
export const WANTED_MAX_RANGES = 256
/** What is missing in what comes shortly after one another is asked for together. */
export const WANTED_DELAY_MS = 1_000

export interface ReplicaComponents {
  readonly space: SpaceId
  readonly bus: Bus
  readonly journal: Journal
  readonly store: SyncStore
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
  readonly heads: (group: Group) => readonly LogHead[]
  /** Linked members who say that they hold the bodies of a group. */
  readonly holders: (group: Group) => readonly PeerId[]
  readonly ingest: (peer: PeerId, frames: readonly Frame[]) => void
}

interface Wanted {
  readonly author: PeerId
  readonly log: string
  from: number
  to: number
  /** Who was asked already. */
  readonly asked: Set<PeerId>
}

/** How much of a space this peer keeps, and the bodies that it fetches later. */
export class Replica {
  readonly #use: ReplicaComponents
  #isFilling = false
  /** Where bodies are missing that others may have. */
  #wanted: readonly Wanted[] = []
  #isAsking = false

  constructor(components: ReplicaComponents) {
    this.#use = components
  }

  keeping(group: Group): Keeping {
    return this.#use.store.kept(GROUPS.indexOf(group)).keeping
  }

  get settings(): Replication {
    return { durable: this.keeping('durable'), expiring: this.keeping('expiring') }
  }

  /** True if anything changed. Others are told of headers only until the bodies that were left out are there. */
  set(settings: Partial<Replication>): boolean {
    const changed = (['durable', 'expiring'] as const).filter((group) => {
      return settings[group] !== undefined && settings[group] !== this.keeping(group)
    })
    for (const group of changed) {
      const keeping = settings[group] ?? 'bodies'
      this.#use.store.keep(GROUPS.indexOf(group), { keeping, claims: keeping === 'bodies' ? 'headers' : keeping })
    }
    return changed.length > 0
  }

  /** What we keep of frames that came by themselves. */
  kept(frames: readonly Frame[]): readonly Frame[] {
    if (GROUPS.every((group) => this.keeping(group) === 'bodies')) return frames
    return frames.flatMap((frame) => {
      const keeping = this.keeping(groupOfFrame(frame))
      if (keeping === 'headers') return [{ ...frame, body: null }]
      return keeping === 'bodies' ? [frame] : []
    })
  }

  /** Fetches the bodies that are missing in a part of a log from whoever has them; says how many came. */
  async fetchBodies(range: Range, signal: AbortSignal): Promise<number> {
    const holders = this.#use.holders(groupOf(range.log))
    if (holders.length === 0) {
      throw new SyncError('ERR_SYNC_NO_HOLDER', 'no linked member holds the bodies of these records', {
        fix: 'Try again when a member that keeps them in full is linked.',
      })
    }
    let [fetched, failure]: [number, unknown] = [0, undefined]
    for (const peer of holders) {
      try {
        fetched += (await this.#fetchFrom(peer, range, signal)).fetched
        failure = undefined
      } catch (error) {
        signal.throwIfAborted()
        failure ??= error
      }
    }
    if (failure !== undefined && fetched === 0) throw failure
    return fetched
  }

  /** Asks for the bodies that are missing there: each holder once, those that are linked soon. */
  want({ author, log, from, to }: Range): void {
    if (this.keeping(groupOf(log)) !== 'bodies') return
    const open = this.#wanted.find((one) => one.asked.size === 0 && one.log === log && one.author === author)
    if (open === undefined) {
      this.#wanted = [...this.#wanted, { author, log, from, to, asked: new Set<PeerId>() }].slice(-WANTED_MAX_RANGES)
    } else {
      open.from = Math.min(open.from, from)
      open.to = Math.max(open.to, to)
    }
    void this.#askSoon()
  }

  async #askSoon(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      await delay(this.#use.clock, WANTED_DELAY_MS, this.#use.signal)
      await this.fill()
    } catch (error) {
      this.#use.log.debug({ reason: reasonOf(error) }, 'missing bodies are not asked for any more')
    }
    this.#isAsking = false
  }

  /** Fetches bodies that were left out before they were wanted. Never rejects; what fails is tried again by the next call. */
  async fill(): Promise<void> {
    if (this.#isFilling) return
    this.#isFilling = true
    try {
      for (const group of GROUPS) await this.#fillGroup(group)
      for (const wanted of this.#wanted) await this.#fillWanted(wanted)
    } catch (error) {
      this.#use.log.debug({ reason: reasonOf(error) }, 'bodies could not be fetched; later again')
    }
    this.#isFilling = false
  }

  async #fillGroup(group: Group): Promise<void> {
    const { store, heads, holders, signal } = this.#use
    const { keeping, claims } = store.kept(GROUPS.indexOf(group))
    if (keeping !== 'bodies' || claims === 'bodies') return
    for (const { author, log, base, seq } of heads(group)) {
      const [peer] = holders(group)
      if (peer === undefined) return
      await this.#fetchFrom(peer, { author, log, from: base, to: seq }, signal)
    }
    // What is missing still nobody has: it was erased, or has expired.
    store.keep(GROUPS.indexOf(group), { keeping: 'bodies', claims: 'bodies' })
  }

  async #fillWanted(wanted: Wanted): Promise<void> {
    const { holders, signal, log } = this.#use
    for (const peer of holders(groupOf(wanted.log))) {
      if (wanted.asked.has(peer)) continue
      wanted.asked.add(peer)
      try {
        if ((await this.#fetchFrom(peer, wanted, signal)).left > 0) continue
        this.#wanted = this.#wanted.filter((one) => one !== wanted)
        return
      } catch (error) {
        signal.throwIfAborted()
        wanted.asked.delete(peer)
        log.debug({ peer, reason: reasonOf(error) }, 'missing bodies were not had from a peer')
      }
    }
  }

  /** One pass over the range, a batch at a time: how many bodies came, and how many are missing still. */
  async #fetchFrom(
    peer: PeerId,
    range: Range,
    signal: AbortSignal,
  ): Promise<{ readonly fetched: number; readonly left: number }> {
    const { bus, clock, space, ingest } = this.#use
    const { to } = range
    let [fetched, left] = [0, 0]
    for (let from = range.from; from <= to; ) {
      const { missing, through } = this.#lacking({ ...range, from })
      from = through + 1
      let asked = missing.slice(0, WANT_MAX_RANGES)
      while (asked.length > 0) {
        const body = encodeBodiesRequest({ space, ranges: asked })
        const answer = await bus.request(peer, 'sync.bodies', body, { direct: true, priority: 'low', signal })
        const frames = decodeFrames(decodeBodies(answer).frames)
        if (frames.length === 0) break
        ingest(peer, frames)
        const rest = asked.flatMap((one) => this.#lacking(one).missing)
        const came = countOf(asked) - countOf(rest)
        fetched += came
        if (came === 0) break
        asked = rest
      }
      left += countOf(asked)
      // A long log is read in turns.
      await delay(clock, 0, signal)
    }
    return { fetched, left }
  }

  /** What is missing at the beginning of a range, up to `through`. A record that is damaged on this disk is missing as a whole. */
  #lacking(range: Range): { readonly missing: readonly Range[]; readonly through: number } {
    const { author, log, from, to } = range
    const held = this.#use.journal.frames(this.#use.space, author, log, from, to)
    if (held.length === 0) return { missing: [{ ...range, to: from }], through: from }
    return { missing: missingOf(held, range), through: seqOf(held.at(-1)) }
  }
}

/** The stretches of a range whose records are held without bodies. */
function missingOf(held: readonly Frame[], { author, log }: Range): readonly Range[] {
  const ranges: { author: PeerId; log: string; from: number; to: number }[] = []
  for (const frame of held) {
    if (frame.body !== null) continue
    const [seq, last] = [seqOf(frame), ranges.at(-1)]
    if (last?.to === seq - 1) last.to = seq
    else ranges.push({ author, log, from: seq, to: seq })
  }
  return ranges
}

function seqOf(frame: Frame | undefined): number {
  return frame === undefined ? 0 : decodeHeader(frame.header).seq
}

function countOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}

/** Of a frame that says nothing ingest says what is wrong with it. */
function groupOfFrame({ header }: Frame): Group {
  try {
    return GROUPS[decodeHeader(header).log[0] ?? 0] ?? 'control'
  } catch (error) {
    if (error instanceof RecordsError) return 'control'
    throw error
  }
}
