import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hexOf,
  type PeerId,
  peerIdOfKey,
  type RecordId,
  randomInt,
  type SpaceId,
  seededRandom,
  sha256,
  utf8,
} from '../../../src/base/index.ts'
import type { LogHead } from '../../../src/records/index.ts'
import { LogIndex, logKey } from '../../../src/sync/log-index.ts'
import { answerRanges, LIST_MAX_LOGS } from '../../../src/sync/range-answer.ts'
import { KEY_DIGITS, PARTS_BYTES, RangeTree } from '../../../src/sync/range-tree.ts'
import { RangeWalk, WALK_MAX_QUESTIONS } from '../../../src/sync/range-walk.ts'
import {
  decodeRangeAnswer,
  decodeRangeRequest,
  encodeRangeAnswer,
  encodeRangeRequest,
  type RangeAnswer,
} from '../../../src/sync/range-wire.ts'
import { claimOf } from '../../../src/sync/spread.ts'
import { RANGE_FINGERPRINT_BYTES, Sums } from '../../../src/sync/sums.ts'
import { encodeHave, HAVE_MAX_LOGS } from '../../../src/sync/wire.ts'

const space = 'ab'.repeat(32) as SpaceId
const AUTHORS: readonly PeerId[] = Array.from({ length: 50 }, (_, n) => peerIdOfKey(sha256(utf8(`author ${n}`))))

const hexDigit = fc.constantFrom(...'0123456789abcdef')

interface Item {
  readonly key: string
  version: number
}

function termOf({ key, version }: Item): Uint8Array {
  return sha256(utf8(`${key} ${version}`))
}

/** Keys that share many digits, as somebody who works for it can make them. */
const keys = fc
  .tuple(fc.constantFrom('', 'a', 'abc', 'abcdef0123456', '0'.repeat(KEY_DIGITS)), hexDigit)
  .chain(([start, next]) =>
    fc.tuple(fc.constant(start + next), fc.string({ unit: hexDigit, minLength: 16, maxLength: 16 })),
  )
  .map(([start, rest]) => (start + rest).slice(0, KEY_DIGITS))

const steps = fc.array(fc.tuple(fc.constantFrom('add', 'add', 'add', 'remove', 'replace'), keys, fc.nat()), {
  maxLength: 200,
})

test('a tree knows the sum of every range, whatever was added, removed and replaced', () => {
  fc.assert(
    fc.property(steps, keys, fc.nat(KEY_DIGITS - 1), (list, probe, digits) => {
      const tree = new RangeTree<Item>(termOf)
      const items: Item[] = []
      for (const [what, key, number] of list) {
        const item = items[number % Math.max(1, items.length)]
        if (what === 'add') {
          items.push({ key, version: number })
          tree.add(items.at(-1) as Item)
        } else if (item !== undefined) {
          tree.remove(item, termOf(item))
          if (what === 'remove') items.splice(items.indexOf(item), 1)
          else {
            item.version++
            tree.add(item)
          }
        }
      }
      for (const prefix of ['', probe.slice(0, digits), ...items.slice(0, 5).map(({ key }) => key.slice(0, digits))]) {
        const within = items.filter(({ key }) => key.startsWith(prefix))
        assert.equal(tree.count(prefix), within.length)
        assert.deepEqual(new Set(tree.list(prefix)), new Set(within))
        assert.deepEqual(tree.parts(prefix), partsOf(within, prefix))
      }
      const whole = new Sums(1)
      for (const item of items) whole.add(0, termOf(item))
      assert.deepEqual(tree.sum, whole.bytes(0))
    }),
    { numRuns: 300 },
  )
})

function partsOf(items: readonly Item[], prefix: string): Uint8Array {
  const sums = new Sums(16)
  for (const item of items) sums.add(Number.parseInt(item.key.charAt(prefix.length), 16), termOf(item))
  const parts = new Uint8Array(PARTS_BYTES)
  for (let digit = 0; digit < 16; digit++) parts.set(sums.fingerprint(digit), digit * RANGE_FINGERPRINT_BYTES)
  return parts
}

function headOf(number: number, seq: number): LogHead {
  const author = AUTHORS[number % AUTHORS.length] as PeerId
  const log = `01${number.toString(16).padStart(14, '0')}`
  return { author, log, base: 1, seq, id: hexOf(sha256(utf8(`${number} ${seq}`))) as RecordId }
}

interface Town {
  readonly ours: LogIndex
  readonly theirs: LogIndex
  /** Logs in which the two differ. */
  readonly differing: ReadonlySet<string>
}

/** `differences` logs that one lacks, or holds less of. */
function town(logs: number, differences: number, seed: number): Town {
  const random = seededRandom(seed)
  const heads = Array.from({ length: logs }, (_, number) => headOf(number, 1 + (number % 9)))
  const [ours, theirs] = [new LogIndex(heads, () => true), new LogIndex(heads, () => true)]
  const differing = new Set<string>()
  while (differing.size < differences) {
    const number = randomInt(random, logs)
    const head = heads[number] as LogHead
    if (differing.has(logKey(head))) continue
    differing.add(logKey(head))
    const side = random.unit() < 0.5 ? ours : theirs
    if (random.unit() < 0.5) side.drop(head)
    else side.advance(headOf(number, head.seq + 7))
  }
  return { ours, theirs, differing }
}

interface Outcome {
  readonly found: ReadonlySet<string>
  readonly bytes: number
  readonly questions: number
  readonly gaveUp: boolean
}

/** A walk over the wire. */
function walk({ ours, theirs }: Town): Outcome {
  const one = new RangeWalk('durable', ours, theirs.summary('durable').logs)
  const found = new Set<string>()
  let [bytes, questions] = [0, 0]
  for (let nodes = one.next(); nodes !== undefined; nodes = one.next()) {
    const question = encodeRangeRequest({ space, group: 'durable', nodes })
    const reply = encodeRangeAnswer(answerRanges(theirs, decodeRangeRequest(question)))
    bytes += question.length + reply.length
    questions++
    const answer = decodeRangeAnswer(reply)
    for (const claim of answer.claims) if (claim.seq > (ours.head(logKey(claim))?.seq ?? 0)) found.add(logKey(claim))
    assert.ok(one.take(answer), 'an honest answer is taken')
    if (one.isDense) return { found, bytes, questions, gaveUp: true }
  }
  for (const log of one.ahead) found.add(logKey(log))
  return { found, bytes, questions, gaveUp: false }
}

function haveBytes(index: LogIndex): number {
  let bytes = 0
  for (let after: LogHead | undefined, more = true; more; ) {
    const page = index.page('durable', after, HAVE_MAX_LOGS)
    bytes += encodeHave({
      space,
      claims: page.heads.map(claimOf),
      more: page.more,
      fingerprint: new Uint8Array(32),
    }).length
    after = page.heads.at(-1)
    more = page.more
  }
  return bytes
}

test('a walk finds all differences and nothing else, for no more than a few times what naming all logs costs', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(),
      (logs, part, seed) => {
        const both = town(logs, Math.floor(logs * part ** 3), seed)
        const { found, bytes, gaveUp } = walk(both)
        if (!gaveUp) assert.deepEqual(found, both.differing)
        assert.ok(bytes < 2_000 + 3 * haveBytes(both.theirs), `${bytes} bytes`)
      },
    ),
    { numRuns: 40 },
  )
})

test('one difference among a hundred thousand logs costs less than a KiB, a hundred less than 64 KiB', () => {
  const alone = walk(town(100_000, 1, 1))
  assert.equal(alone.found.size, 1)
  assert.ok(alone.bytes < 1_024 && alone.questions <= 4, `${alone.bytes} bytes in ${alone.questions} questions`)
  const some = walk(town(100_000, 100, 2))
  assert.equal(some.found.size, 100)
  assert.ok(some.bytes < 65_536 && some.questions <= 8, `${some.bytes} bytes in ${some.questions} questions`)
})

test('a walk ends, whatever is answered', () => {
  const { ours } = town(500, 0, 3)
  const prefixes = fc.string({ unit: hexDigit, maxLength: KEY_DIGITS })
  const parts = fc.uint8Array({ minLength: PARTS_BYTES, maxLength: PARTS_BYTES })
  const lies = fc.record({
    /** Speaks of what was asked about, or of something else. */
    honest: fc.integer({ min: 0, max: 9 }),
    how: fc.constantFrom('nodes', 'listed', 'rest', 'mixed'),
    prefix: prefixes,
    parts,
    claims: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(lies, { minLength: 1 }), (list) => {
      const one = new RangeWalk('durable', ours, 500)
      let questions = 0
      for (let nodes = one.next(); nodes !== undefined; nodes = one.next()) {
        assert.ok(questions++ < WALK_MAX_QUESTIONS)
        const lie = list[questions % list.length] as (typeof list)[number]
        const asked = nodes.flatMap(({ prefix, parts: own }) => {
          return own === undefined ? [prefix] : Array.from({ length: 16 }, (_, digit) => prefix + digit.toString(16))
        })
        const spoken = lie.honest > 0 ? asked : [lie.prefix]
        const half = lie.how === 'mixed' ? Math.ceil(spoken.length / 2) : spoken.length
        const answer: RangeAnswer = {
          space,
          nodes: ['nodes', 'mixed'].includes(lie.how)
            ? spoken.slice(0, half).map((prefix) => ({ prefix, parts: lie.parts }))
            : [],
          listed: lie.how === 'listed' ? spoken : [],
          claims: lie.claims ? [claimOf(headOf(7, 3))] : [],
          rest: lie.how === 'rest' ? spoken : lie.how === 'mixed' ? spoken.slice(half) : [],
        }
        if (!one.take(answer) || one.isDense) return
      }
    }),
    { numRuns: 200 },
  )
})

test('an answer to the widest of questions keeps to its bounds', () => {
  const { theirs } = town(20_000, 0, 4)
  const nodes = Array.from({ length: 256 }, (_, n) => ({
    prefix: n.toString(16).padStart(2, '0'),
    parts: new Uint8Array(PARTS_BYTES).fill(1),
  }))
  const answer = answerRanges(theirs, { space, group: 'durable', nodes })
  assert.ok(encodeRangeAnswer(answer).length < 256 * 1024)
  assert.ok(answer.claims.length <= HAVE_MAX_LOGS)
  assert.equal(answer.listed.length + answer.nodes.length + answer.rest.length, 256 * 16)
  assert.ok(answer.listed.every((prefix) => theirs.tree('durable').count(prefix) <= LIST_MAX_LOGS))
})
