import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NO_RULE } from '../../../src/records/index.ts'
import {
  countsUpTo,
  EMPTY_LOG,
  extended,
  type ForkPlace,
  type FrameFacts,
  judge,
  type LogState,
  limitOf,
  NO_RECORD,
  type Verdict,
} from '../../../src/records/log-rules.ts'

const idOf = (seq: number, branch: number): Uint8Array => new Uint8Array(32).fill(seq * 4 + branch + 1)

/** Three authors share one key: branches 1 and 2 leave branch 0 after record 2 and 4. */
function frameOf(seq: number, branch: number): FrameFacts {
  const root = (at: number): number => ((branch === 1 && at > 2) || (branch === 2 && at > 4) ? branch : 0)
  return {
    seq,
    prev: seq === 1 ? NO_RECORD : idOf(seq - 1, root(seq - 1)),
    id: idOf(seq, root(seq)),
    flags: 0,
    ahead: false,
  }
}

/** The rules in words: keep every frame ever accepted, and look at all of them each time. */
class NaiveLog {
  readonly #kept: FrameFacts[] = []
  #frozenAt = Number.POSITIVE_INFINITY

  offer(frame: FrameFacts): Verdict {
    const held = this.#kept.filter(({ seq }) => seq < this.#frozenAt)
    const same = held.find(({ seq }) => seq === frame.seq)
    if (same !== undefined && same.id[0] === frame.id[0]) return 'duplicate'
    if (same !== undefined) {
      this.#frozenAt = frame.seq
      return 'fork'
    }
    if (this.#frozenAt !== Number.POSITIVE_INFINITY) return { refuse: 'frozen' }
    if (frame.seq !== held.length + 1) return 'gap'
    if (frame.prev[0] !== (held.at(-1)?.id[0] ?? 0)) return { refuse: 'broken-chain' }
    this.#kept.push(frame)
    return 'accept'
  }
}

/** The same with the product's rules. */
class Log {
  #state: LogState = EMPTY_LOG
  #forks: readonly ForkPlace[] = []
  readonly #ids: Uint8Array[] = []

  offer(frame: FrameFacts): Verdict {
    const heldId = (seq: number) => this.#ids[seq - 1]
    const verdict = judge(this.#state, frame, limitOf(NO_RULE, this.#forks, heldId), heldId)
    if (verdict === 'accept') {
      this.#ids.push(frame.id)
      this.#state = extended(this.#state, frame)
    } else if (verdict === 'fork') {
      this.#forks = [{ seq: frame.seq, prev: undefined }]
      const seq = countsUpTo(this.#state, limitOf(NO_RULE, this.#forks, heldId), heldId)
      this.#state = { base: 1, seq, id: heldId(seq) ?? NO_RECORD }
      this.#ids.length = seq
    }
    return verdict
  }
}

describe('the rules of a log', () => {
  it('judge as the naive model does', () => {
    const frames = fc.array(fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat(2)), { maxLength: 40 })
    fc.assert(
      fc.property(frames, (sequence) => {
        const [log, naive] = [new Log(), new NaiveLog()]
        for (const [seq, branch] of sequence) {
          const frame = frameOf(seq, branch)
          assert.deepEqual(log.offer(frame), naive.offer(frame))
        }
      }),
      { numRuns: 5_000 },
    )
  })
})
