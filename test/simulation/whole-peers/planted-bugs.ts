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
    seed: 1,
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
    seed: 1,
  },
  {
    name: 'body-not-checked',
    file: 'src/records/candidate.ts',
    text: 'frame.body === null ? classOfLog(header.log) !== LOG_CLASS.control : isBodyOf(header, frame.body)',
    instead: 'frame.body === null ? classOfLog(header.log) !== LOG_CLASS.control : header.v === 1',
    seed: 1,
  },
  {
    name: 'signature-of-a-run-not-checked',
    file: 'src/records/ingest.ts',
    text: 'if (candidate !== undefined && this.#isSigned(candidate)) {',
    instead: 'if (candidate !== undefined) {',
    seed: 1,
  },
  {
    name: 'records-beyond-the-cut-taken',
    file: 'src/records/log-rules.ts',
    text: `if (frame.seq > limit.seq) return limit.reason === 'frozen' ? FROZEN : NOT_ALLOWED`,
    instead: `if (frame.seq > limit.seq && limit.reason === 'frozen') return FROZEN`,
    seed: 1,
  },
  {
    name: 'fork-not-frozen',
    file: 'src/records/log-rules.ts',
    text: 'seq = fork.seq - 1',
    instead: 'seq = fork.seq',
    seed: 1,
  },
  {
    name: 'views-not-refolded-when-records-are-void',
    file: 'src/records/ledger.ts',
    text: `for (const record of this.records.between(log, from, seq)) this.views.untouch(record)`,
    instead: '',
    seed: 1,
  },
  {
    name: 'void-records-not-taken-back',
    file: 'src/records/validity.ts',
    text: 'if (!voided.has(log)) return false',
    instead: 'return false',
    seed: 1,
  },
  {
    name: 'erased-body-taken-again',
    file: 'src/records/ledger.ts',
    text: 'return log.class === LOG_CLASS.control || !this.#init.authority.isErased(log.space, log.author, log.hex, seq)',
    instead: 'return true',
    seed: 1,
  },
  {
    name: 'dates-start-anew-after-a-restart',
    file: 'src/records/journal.ts',
    text: 'new HybridClock(clock, newestOf(signer, this.#ledger))',
    instead: 'new HybridClock(clock)',
    seed: 1,
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
    seed: 1,
  },
  {
    name: 'others-judged-by-their-role-of-now',
    file: 'src/space/write-rules.ts',
    text: 'state.mayHold(author, write.class)',
    instead: 'isAtLeast(state.membership.members.get(author)?.role, needed)',
    seed: 1,
  },
  {
    name: 'admitted-at-the-level-of-the-admitter',
    file: 'src/space/hearing.ts',
    text: 'if (level <= author.level) return undefined',
    instead: 'if (level < author.level) return undefined',
    seed: 1,
  },
  {
    name: 'invite-used-twice',
    file: 'src/space/hearing.ts',
    text: '|| standing.used >= standing.uses) return false',
    instead: ') return false',
    seed: 1,
  },
  {
    name: 'highest-cut-wins',
    file: 'src/space/log-windows.ts',
    text: '(isLower(end, low) ? end : low), EVERYTHING)',
    instead: '(low === EVERYTHING || isLower(low, end) ? end : low), EVERYTHING)',
    seed: 1,
  },
  {
    name: 'key-not-renewed-after-somebody-left',
    file: 'src/space/keys/keyring.ts',
    text: 'this.#leaks ??= this.knowers.values().some((device) => !this.#readers.has(device))',
    instead: 'this.#leaks ??= false',
    seed: 1,
  },
  {
    name: 'fingerprint-not-updated-when-a-log-is-cut',
    file: 'src/sync/space-sync.ts',
    text: `    if (head === undefined) this.#index.drop(log)
    else this.#index.advance(head)`,
    instead: '    if (head === undefined) this.#index.drop(log)',
    seed: 1,
  },
  {
    name: 'cursor-believed-before-all-came',
    file: 'src/sync/catch-up.ts',
    text: `    if (comparison.isQuick) pull.quick = isSame || received > 0 ? pull.quick + 1 : QUICK_MAX
    else pull.quick = 0
    const isAll = isSame || (comparison.isComplete && this.#shares.isClear(peer))`,
    instead: `    pull.quick = 0
    const isAll = true`,
    seed: 1,
  },
]
