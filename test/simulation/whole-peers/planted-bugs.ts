/** A mistake that people make: an exact piece of a product file, and what stands in its place when the mistake is planted. */
export interface PlantedBug {
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  readonly text: string
  readonly instead: string
  /** A seed that finds it, for the tests; `npm run sim -- --bugs` says which one does so first. */
  readonly seed: number
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'acknowledged-before-commit',
    file: 'src/records/append.ts',
    text: `() => taken.map(({ entries }) => this.#writeAll(entries)),`,
    instead: `() =>
          taken.map(({ entries, resolve }) => {
            const outcome = this.#writeAll(entries)
            if (!(outcome instanceof RecordsError)) resolve(outcome)
            return outcome
          }),`,
    seed: 12,
  },
  {
    name: 'commits-do-not-wait-for-the-disk',
    file: 'src/store/adapters/sqlite.ts',
    text: 'PRAGMA synchronous=FULL;',
    instead: 'PRAGMA synchronous=NORMAL;',
    seed: 1,
  },
  {
    name: 'memory-not-rolled-back',
    file: 'src/records/ledger.ts',
    text: `    this.#stale = true
    try {
      this.#forget()
    } catch`,
    instead: `    try {
      this.#clear()
    } catch`,
    seed: 1,
  },
  {
    name: 'previous-record-not-checked',
    file: 'src/records/log-rules.ts',
    text: `return bytesEqual(frame.prev, log.id) ? 'accept' : BROKEN_CHAIN`,
    instead: `return 'accept'`,
    seed: 24,
  },
  {
    name: 'records-beyond-the-cut-taken',
    file: 'src/records/log-rules.ts',
    text: `if (frame.seq > limit.seq) return limit.reason === 'frozen' ? FROZEN : NOT_ALLOWED`,
    instead: `if (frame.seq > limit.seq && limit.reason === 'frozen') return FROZEN`,
    seed: 6,
  },
  {
    name: 'fork-not-frozen',
    file: 'src/records/log-rules.ts',
    text: 'seq = fork.seq - 1',
    instead: 'seq = fork.seq',
    seed: 3,
  },
  {
    name: 'views-not-refolded-when-records-are-void',
    file: 'src/records/ledger.ts',
    text: `for (const record of this.records.between(log, from, seq)) this.views.untouch(record)`,
    instead: '',
    seed: 3,
  },
  {
    name: 'dates-of-others-not-observed',
    file: 'src/records/ingest.ts',
    text: 'this.#init.hybridClock.observe(candidate.header.hlc)',
    instead: '',
    seed: 1,
  },
  {
    name: 'records-from-the-future-taken',
    file: 'src/records/log-rules.ts',
    text: `if (frame.ahead) return 'park'`,
    instead: '',
    seed: 5,
  },
  {
    name: 'others-judged-by-their-role-of-now',
    file: 'src/space/write-rules.ts',
    text: 'state.mayHold(author, write.class)',
    instead: 'isAtLeast(state.membership.members.get(author)?.role, needed)',
    seed: 2,
  },
  {
    name: 'admitted-at-the-level-of-the-admitter',
    file: 'src/space/hearing.ts',
    text: 'if (level <= author.level) return undefined',
    instead: 'if (level < author.level) return undefined',
    seed: 15,
  },
  {
    name: 'highest-cut-wins',
    file: 'src/space/log-windows.ts',
    text: '(isLower(end, low) ? end : low), EVERYTHING)',
    instead: '(low === EVERYTHING || isLower(low, end) ? end : low), EVERYTHING)',
    seed: 6,
  },
  {
    name: 'key-not-renewed-after-somebody-left',
    file: 'src/space/keys/keyring.ts',
    text: 'this.#leaks ??= this.knowers.values().some((device) => !this.#readers.has(device))',
    instead: 'this.#leaks ??= false',
    seed: 6,
  },
  {
    name: 'fingerprint-not-updated-when-a-log-is-cut',
    file: 'src/sync/space-sync.ts',
    text: `    if (head === undefined) this.#index.drop(log)
    else this.#index.advance(head)`,
    instead: '    if (head === undefined) this.#index.drop(log)',
    seed: 3,
  },
]
