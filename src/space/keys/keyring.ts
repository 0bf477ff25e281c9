import { compareText, type RecordId } from '../../base/index.ts'

/** A device that may read: reader or better. Keys are 64 hexadecimal digits. */
export interface KeyReader {
  /** Ed25519 public key. */
  readonly device: string
  readonly principal: string
  /** X25519 public key. */
  readonly sealing: string
}

/** Epochs of the highest number that are looked at closely; only admins at odds with each other make more. */
const TOP_MAX = 64

/** What an epoch record says, but for what is in the boxes. */
export interface EpochContent {
  readonly n: number
  /** The id of the epoch's key, 32 hexadecimal digits. */
  readonly key: string
  /** Devices with a box. */
  readonly boxes: readonly string[]
  /** Ids of the older keys sealed under this one. */
  readonly previous: readonly string[]
  /** Milliseconds since 1970, by the author's clock. */
  readonly madeAt: number
}

/** An epoch record that counts, and what its author is. Who is an admin makes epochs; others give keys to their own devices. */
export interface EpochMention extends EpochContent {
  readonly record: RecordId
  /** Ed25519 public key of the author, 64 hexadecimal digits. */
  readonly device: string
  readonly level: number
  readonly isAdmin: boolean
}

export interface KeyringInput {
  readonly mentions: readonly EpochMention[]
  readonly readers: ReadonlyMap<string, KeyReader>
  /** Of any device that is or was a member. */
  principalOf(device: string): string | undefined
}

/** A key to write under, as the counting control records tell of it. */
export class Epoch {
  readonly n: number
  readonly key: string
  /** Devices with a box that counts. */
  readonly sealedTo: Set<string> = new Set()
  /** Devices that know the key. */
  readonly knowers: Set<string> = new Set()
  readonly previous: Set<string> = new Set()
  /** Of the most senior admin who wrote of it. */
  level: number = Number.POSITIVE_INFINITY
  /** The record that ranks it among others of its number. */
  record: RecordId | undefined
  /** Milliseconds since 1970, by its maker's clock. */
  madeAt: number = Number.POSITIVE_INFINITY
  readonly #readers: KeyringInput['readers']
  #leaks: boolean | undefined

  constructor({ n, key }: EpochMention, readers: KeyringInput['readers']) {
    this.n = n
    this.key = key
    this.#readers = readers
  }

  /** Somebody who is no reader any more knows the key. */
  get leaks(): boolean {
    this.#leaks ??= this.knowers.values().some((device) => !this.#readers.has(device))
    return this.#leaks
  }

  /** Readers whom it was not sealed to. */
  get missing(): readonly KeyReader[] {
    return [...this.#readers.values()].filter(({ device }) => !this.sealedTo.has(device))
  }
}

/**
 * The epochs that count, best first, docs/specs/encryption.md section 4: a pure function of the control records. The highest
 * number comes first; among epochs that admins made at the same time, one that nobody knows who should not, then the one of
 * the most senior author.
 */
export function evaluateKeyring(input: KeyringInput): readonly Epoch[] {
  const ranked = [...epochsOf(input).values()].toSorted(
    (a, b) => b.n - a.n || a.level - b.level || compareText(a.record ?? '', b.record ?? ''),
  )
  spreadKnowledge(ranked.filter(({ n }) => n === ranked[0]?.n).slice(0, TOP_MAX))
  return ranked.toSorted((a, b) => b.n - a.n || Number(a.leaks) - Number(b.leaks))
}

function epochsOf({ mentions, readers, principalOf }: KeyringInput): ReadonlyMap<string, Epoch> {
  const epochs = new Map<string, Epoch>()
  for (const mention of mentions) {
    if (!mention.isAdmin) continue
    const epoch = epochs.get(nameOf(mention)) ?? new Epoch(mention, readers)
    epochs.set(nameOf(mention), epoch)
    rank(epoch, mention)
  }
  for (const mention of mentions) {
    const epoch = epochs.get(nameOf(mention))
    // Who may not read has no key to give: a relay could say so for ever, and make admins renew as often.
    if (epoch === undefined || !(mention.isAdmin || readers.has(mention.device))) continue
    for (const key of mention.previous) epoch.previous.add(key)
    for (const device of mention.boxes) {
      // Others cannot make it look as if strangers knew the key, or as if somebody had it who has not.
      if (!mention.isAdmin && principalOf(device) !== principalOf(mention.device)) continue
      epoch.sealedTo.add(device)
      epoch.knowers.add(device)
    }
  }
  return epochs
}

function nameOf({ n, key }: EpochMention): string {
  return `${n} ${key}`
}

function rank(epoch: Epoch, { device, record, level, madeAt }: EpochMention): void {
  epoch.knowers.add(device)
  epoch.madeAt = Math.min(epoch.madeAt, madeAt)
  const isHigher = level < epoch.level || (level === epoch.level && record < (epoch.record ?? ''))
  if (isHigher) Object.assign(epoch, { level, record })
}

/** Whoever knows a key knows those sealed under it. */
function spreadKnowledge(top: readonly Epoch[]): void {
  const byKey = new Map(top.map((epoch) => [epoch.key, epoch]))
  for (let round = 0, grew = true; grew && round < top.length; round++) {
    grew = false
    for (const { knowers, previous } of top) {
      for (const target of [...previous].map((key) => byKey.get(key)?.knowers)) {
        if (target === undefined) continue
        const before = target.size
        for (const device of knowers) target.add(device)
        grew ||= target.size > before
      }
    }
  }
}

/**
 * The key to write under among those held: the best epoch, or another of its number. One of a lower number serves only if
 * nobody who lost the right to read knows it, be it by way of a newer key.
 */
export function chosenEpoch(epochs: readonly Epoch[], holds: (key: string) => boolean): Epoch | undefined {
  const [best] = epochs
  if (best === undefined) return undefined
  const held = epochs.find(({ key }) => holds(key))
  if (held === undefined || held === best) return held
  if (held.n === best.n) return best.leaks || !held.leaks ? held : undefined
  return epochs.some(({ n, leaks }) => n >= held.n && leaks) ? undefined : held
}
