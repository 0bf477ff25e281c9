/**
 * Scripts of the catch-up machine. catch-up.txt holds them with the effects that each event must have:
 *
 *   = title                       a new machine
 *   hold LOG:SEQ ...              what we hold from now on; logs are c1, c2 (control), d1, d2 (durable), e1, e2 (expiring)
 *   peer P [@RID] LOG:SEQ ...     what a peer holds from now on, and the position of its store (default 9)
 *   cursor P RID                  how far we followed the store of a peer
 *   > EVENT                       an event; the lines after it are its effects
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hexOf, type PeerId, peerIdOfKey, type RecordId } from '../../../src/base/index.ts'
import type { LogHead } from '../../../src/records/index.ts'
import { CatchUp } from '../../../src/sync/catch-up.ts'
import type { CatchUpEffect, CatchUpEvent, Fault } from '../../../src/sync/catch-up-events.ts'
import type { Cursor } from '../../../src/sync/comparison.ts'
import { GROUPS, type Group, LogIndex } from '../../../src/sync/log-index.ts'
import { claimOf } from '../../../src/sync/spread.ts'
import type { Range } from '../../../src/sync/wire.ts'

const AUTHOR: PeerId = peerIdOfKey(new Uint8Array(32).fill(9))
const script: string = readFileSync(new URL('catch-up.txt', import.meta.url), 'utf8')

function logOf(name: string): string {
  return `0${'cde'.indexOf(name.charAt(0))}${name.slice(1).padStart(14, '0')}`
}

function nameOf(log: string): string {
  return 'cde'.charAt(Number(log.slice(0, 2))) + Number(log.slice(2))
}

/** `d1:4` is the head at 4; `d1:4'` another record at that place. */
function headOf(text: string): LogHead {
  const [name = '', place = ''] = text.split(':')
  const seq = Number.parseInt(place, 10)
  const branch = place.endsWith("'") ? 'ff' : '00'
  const id = (branch + seq.toString(16).padStart(62, '0')) as RecordId
  return { author: AUTHOR, log: logOf(name), base: 1, seq, id }
}

/** `d1.3-9`, or `d1.3` for one record. */
function rangeOf(text: string): Range {
  const [name = '', place = ''] = text.split('.')
  const [from = '', to = from] = place.split('-')
  return { author: AUTHOR, log: logOf(name), from: Number(from), to: Number(to) }
}

const NO_FORKS = { count: 0, fingerprint: new Uint8Array(32) }
const STORE_ID = new Uint8Array(16).fill(5)

class Script {
  readonly #index = new LogIndex([], () => true)
  readonly #peers = new Map<string, { readonly index: LogIndex; readonly position: number }>()
  readonly #cursors = new Map<string, Cursor>()
  readonly #machine: CatchUp
  #now = 1_000_000

  constructor() {
    this.#machine = new CatchUp({
      self: 'M' as PeerId,
      index: this.#index,
      head: (key) => this.#index.head(key),
      admits: () => true,
      endOf: () => undefined,
      keeping: () => 'bodies',
      forks: () => NO_FORKS,
      cursor: (peer) => this.#cursors.get(peer),
    })
  }

  /** The effects of one line. */
  run(line: string): readonly string[] {
    const [first = '', ...rest] = line.split(' ')
    if (first === 'hold') for (const head of rest) this.#index.advance(headOf(head))
    if (first === 'peer') {
      const [peer = '', ...items] = rest
      const at = items.find((item) => item.startsWith('@'))
      const heads = items.filter((item) => item !== at).map(headOf)
      this.#peers.set(peer, { index: new LogIndex(heads, () => true), position: Number(at?.slice(1) ?? 9) })
    }
    if (first === 'cursor') this.#cursors.set(rest[0] ?? '', { storeId: hexOf(STORE_ID), rid: Number(rest[1]) })
    return first === '>' ? this.#machine.handle(this.#event(rest), this.#now).map(described) : []
  }

  #event([name = '', peer = '', ...rest]: readonly string[]): CatchUpEvent {
    const from = peer as PeerId
    const { index, position } = this.#peers.get(peer) ?? { index: new LogIndex([], () => true), position: 9 }
    const holds = Object.fromEntries(
      GROUPS.map((group) => [group, { ...index.summary(group), keeps: 'bodies' as const }]),
    )
    const theirs = { storeId: STORE_ID, position, holds, forks: NO_FORKS }
    switch (name) {
      case 'hello':
        return { on: 'hello', peer: from, theirs }
      case 'heard':
        return { on: 'heard', peer: from, theirs, answered: rest[0] === 'answered' }
      case 'have': {
        const { heads, more } = index.page(rest[0] as Group, undefined, 10)
        const { fingerprint } = index.summary(rest[0] as Group)
        return { on: 'have', peer: from, claims: heads.map(claimOf), more, fingerprint }
      }
      case 'since': {
        const [through = '', ...heads] = rest
        if (through === 'void') return { on: 'since', peer: from, news: undefined }
        const news = { claims: heads.map(headOf).map(claimOf), through: Number.parseInt(through, 10) }
        return { on: 'since', peer: from, news: { ...news, more: through.endsWith('+') } }
      }
      case 'news':
        return { on: 'news', peer: from, claims: rest.map(headOf).map(claimOf), more: false }
      case 'gap':
        return { on: 'gap', peer: from, ranges: rest.map(rangeOf) }
      case 'rec': {
        const [want, frames] = [Number(rest[0]), Number(rest[1])]
        return { on: 'rec', peer: from, want, frames, stored: frames, last: rest[2] === 'last' }
      }
      case 'wait':
        this.#now += Number(peer)
        return { on: 'tick' }
      case 'grown':
      case 'members':
        return { on: name }
      case 'ready':
        return { on: 'begin', peer: from, lately: true }
      case 'begin':
      case 'failed':
      case 'gone':
      case 'differs':
        return { on: name, peer: from }
      default:
        return assert.fail(`no such event: ${name}`)
    }
  }
}

function described(effect: CatchUpEffect): string {
  switch (effect.do) {
    case 'ask-have':
      return `ask-have ${effect.peer} ${GROUPS.find((group) => group === effect.group)}`
    case 'ask-since':
    case 'keep-cursor':
      return `${effect.do} ${effect.peer} ${effect.rid}`
    case 'send-want': {
      const ranges = effect.ranges.map(({ log, from, to }) => `${nameOf(log)}.${from === to ? from : `${from}-${to}`}`)
      return `send-want ${effect.peer} ${effect.want} ${ranges.join(' ')}`
    }
    case 'blame':
      return `blame ${effect.peer} ${effect.fault satisfies Fault}`
    case 'tell-in-step':
      return `tell-in-step ${effect.peer} received ${effect.received}`
    case 'tell-ended':
      return `tell-ended ${effect.peer} ${effect.completed ? 'completed' : 'failed'}`
    case 'retry-parked':
      return effect.do
    default:
      return `${effect.do} ${effect.peer}`
  }
}

const scripts: readonly string[] = script.split(/^= /m).slice(1)
for (const text of scripts) {
  const [title = '', ...lines] = text.trimEnd().split('\n')
  test(`catch-up: ${title}`, () => {
    const machine = new Script()
    const played = lines
      .filter((line) => /^(>|hold|peer|cursor)/.test(line))
      .flatMap((line) => [line, ...machine.run(line)])
    assert.deepEqual(
      played,
      lines.filter((line) => line !== '' && !line.startsWith('#')),
    )
  })
}
