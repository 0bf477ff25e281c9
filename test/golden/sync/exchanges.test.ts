/**
 * Whole exchanges, to the byte: one peer that lacks a record catches up with another. exchanges.txt has a line for each message, the
 * asker's with `>` and the other's with `<`, and for what the asker keeps.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  bytesOfHex,
  hexOf,
  type PeerId,
  peerIdOfKey,
  type RecordId,
  type SpaceId,
  sha256,
  utf8,
} from '../../../src/base/index.ts'
import type { LogHead } from '../../../src/records/index.ts'
import { CatchUp } from '../../../src/sync/catch-up.ts'
import type { CatchUpEffect, CatchUpEvent } from '../../../src/sync/catch-up-events.ts'
import type { Cursor } from '../../../src/sync/comparison.ts'
import { GROUPS, LogIndex, logKey } from '../../../src/sync/log-index.ts'
import { answerRanges } from '../../../src/sync/range-answer.ts'
import {
  decodeRangeAnswer,
  decodeRangeRequest,
  decodeSinceAnswer,
  encodeRangeAnswer,
  encodeRangeRequest,
  encodeSinceAnswer,
  encodeSinceRequest,
} from '../../../src/sync/range-wire.ts'
import { claimOf } from '../../../src/sync/spread.ts'
import {
  decodeHello,
  encodeHave,
  encodeHello,
  encodeRec,
  encodeWant,
  type Hello,
  NO_FORKS,
} from '../../../src/sync/wire.ts'

const space = 'ab'.repeat(32) as SpaceId
const [asker, other]: readonly PeerId[] = [1, 2].map((n) => peerIdOfKey(new Uint8Array(32).fill(n)))
const author: PeerId = peerIdOfKey(new Uint8Array(32).fill(9))
const POSITION = 1_234

function headOf(number: number, seq: number): LogHead {
  const log = `01${number.toString(16).padStart(14, '0')}`
  return { author, log, base: 1, seq, id: hexOf(sha256(utf8(`${number} ${seq}`))) as RecordId }
}

function helloOf(index: LogIndex, storeId: number): Hello {
  const holds = Object.fromEntries(
    GROUPS.map((group) => [group, { ...index.summary(group), keeps: 'bodies' as const }]),
  )
  return { space, storeId: new Uint8Array(16).fill(storeId), position: POSITION, holds, forks: NO_FORKS }
}

/** Two peers with so many logs each, in the first of which the other is one record ahead. */
class Exchange {
  readonly lines: string[] = []
  readonly #ours: LogIndex
  readonly #theirs: LogIndex
  readonly #machine: CatchUp

  constructor(logs: number, cursor: Cursor | undefined) {
    const heads = Array.from({ length: logs }, (_, number) => headOf(number, 3))
    this.#ours = new LogIndex(heads, () => true)
    this.#theirs = new LogIndex(heads, () => true)
    this.#theirs.advance(headOf(0, 4))
    this.#machine = new CatchUp({
      self: asker as PeerId,
      index: this.#ours,
      head: (key) => this.#ours.head(key),
      admits: () => true,
      endOf: () => undefined,
      keeping: () => 'bodies',
      forks: () => NO_FORKS,
      cursor: () => cursor,
    })
    this.#handle({ on: 'begin', peer: other as PeerId })
  }

  #handle(event: CatchUpEvent): void {
    for (const effect of this.#machine.handle(event, 0)) this.#carryOut(effect)
  }

  #carryOut(effect: CatchUpEffect): void {
    const peer = other as PeerId
    switch (effect.do) {
      case 'ask-hello':
        this.#ask('sync.hello', encodeHello(helloOf(this.#ours, 1)))
        this.#answer(encodeHello(helloOf(this.#theirs, 2)), (bytes) => ({
          on: 'hello',
          peer,
          theirs: decodeHello(bytes),
        }))
        break
      case 'ask-since': {
        this.#ask('sync.since', encodeSinceRequest({ ...effect, space }))
        const news = { claims: [claimOf(headOf(0, 4))], through: POSITION, more: false }
        this.#answer(encodeSinceAnswer({ space, news }), (bytes) => ({
          on: 'since',
          peer,
          news: decodeSinceAnswer(bytes).news,
        }))
        break
      }
      case 'ask-range': {
        const question = encodeRangeRequest({ ...effect, space })
        this.#ask('sync.range', question)
        const answer = answerRanges(this.#theirs, decodeRangeRequest(question))
        this.#answer(encodeRangeAnswer(answer), (bytes) => ({
          on: 'range',
          peer,
          answer: decodeRangeAnswer(bytes),
        }))
        break
      }
      case 'send-want': {
        this.#ask('sync.want', encodeWant({ ...effect, space }))
        for (const { log, to } of effect.ranges) this.#ours.advance(headOf(Number.parseInt(log.slice(2), 16), to))
        const rec = encodeRec({ space, want: effect.want, last: true, frames: bytesOfHex('80') })
        this.#answer(rec, () => ({ on: 'rec', peer, want: effect.want, frames: 1, stored: 1, last: true }))
        break
      }
      case 'send-news': {
        const claims = effect.logs.map((log) => claimOf(this.#ours.head(logKey(log)) as LogHead))
        this.#ask('sync.have', encodeHave({ space, claims, more: false, fingerprint: undefined }))
        break
      }
      case 'send-done':
        this.#ask('sync.done', encodeHello(helloOf(this.#ours, 1)))
        break
      case 'keep-cursor':
        this.lines.push(`cursor ${hexOf(effect.storeId)} ${effect.rid}`)
        break
      default:
        assert.notEqual(effect.do, 'blame')
    }
  }

  #ask(kind: string, body: Uint8Array): void {
    this.lines.push(`> ${kind} ${hexOf(body)}`)
  }

  #answer(body: Uint8Array, eventOf: (body: Uint8Array) => CatchUpEvent): void {
    this.lines.push(`< ${hexOf(body)}`)
    this.#handle(eventOf(body))
  }
}

const EXCHANGES: Readonly<Record<string, () => Exchange>> = {
  'by the cursor': () => new Exchange(3, { storeId: '02'.repeat(16), rid: 1_000 }),
  'by ranges, 200 logs': () => new Exchange(200, undefined),
}

const golden: ReadonlyMap<string, readonly string[]> = new Map(
  readFileSync(new URL('exchanges.txt', import.meta.url), 'utf8')
    .split(/^= /m)
    .slice(1)
    .map((text) => text.trimEnd().split('\n'))
    .map(([title = '', ...lines]) => [title, lines]),
)

for (const [title, run] of Object.entries(EXCHANGES)) {
  test(`exchange ${title}`, () => assert.deepEqual(run().lines, golden.get(title)))
}
