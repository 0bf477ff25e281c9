import { type Clock, hexOf, type PeerId, reasonOf, type SpaceId, sha256, utf8 } from '../base/index.ts'
import type { Bus, QueryResult, RequestContext } from '../bus/index.ts'
import type { Journal } from '../records/index.ts'
import type { Library } from './library.ts'
import { parsePaperQuery } from './paper-query.ts'
import { QueryGate } from './query-gate.ts'
import type { ScoredSource } from './rescore.ts'
import type { CommonSpaces, SpacesInReach } from './spaces-in-reach.ts'
import {
  decodeAnswer,
  decodeQuery,
  encodeAnswer,
  encodeQuery,
  FINGERPRINT_BYTES,
  QUERY_KIND,
  shortFields,
  type WireAnswer,
  type WireQuery,
} from './wire.ts'

export const ASK_DEADLINE_MS = 2_000

/** Who was asked and who has answered; the rest says why not. */
export interface AskCoverage {
  readonly asked: number
  readonly answered: number
  readonly silent: readonly { readonly peer: PeerId; readonly name: string; readonly reason: string }[]
}

export interface Question {
  readonly text: string
  readonly spaces: readonly SpaceId[]
  /** Papers wanted of each peer and space. */
  readonly limit: number
}

export interface AskOptions {
  readonly deadlineMs: number
  readonly signal: AbortSignal
  /** W3C traceparent of what asks; empty for none. */
  readonly trace: string
}

/** Peers with whom we have the same spaces in common. */
interface Round {
  readonly spaces: CommonSpaces
  readonly peers: PeerId[]
}

export interface AskingComponents {
  readonly journal: Journal
  readonly bus: Bus
  readonly clock: Clock
  readonly library: Library
  readonly spaces: SpacesInReach
}

/** Both ends of the network query: asks the members of our spaces, and answers them. */
export class Asking {
  readonly #components: AskingComponents
  readonly #gate: QueryGate
  readonly #counts = { queriesAnswered: 0, queriesRefused: 0, answersRefused: 0 }

  constructor(components: AskingComponents) {
    this.#components = components
    this.#gate = new QueryGate(components)
  }

  get counts(): Readonly<Record<'queriesAnswered' | 'queriesRefused' | 'answersRefused', number>> {
    return this.#counts
  }

  /** What we hold ourselves, as if a peer had answered. Rejects with `ERR_PAPER_QUERY`. */
  async local(question: Question, signal: AbortSignal): Promise<readonly ScoredSource[]> {
    const peer = this.#components.bus.self
    return (await this.#answers(question, signal)).map((answer) => ({ peer, answer }))
  }

  /** One round to all other members; never rejects but when `signal` aborts. */
  async remote(
    question: Question,
    options: AskOptions,
  ): Promise<{ readonly sources: readonly ScoredSource[]; readonly coverage: AskCoverage }> {
    const askable = this.#components.spaces.askable(question.spaces)
    // A peer is told of no space but those it shares with us, so each set of common spaces makes a query of its own.
    const rounds = new Map<string, Round>()
    for (const [peer, spaces] of askable) {
      const round = rounds.get(spaces.join()) ?? { spaces, peers: [] }
      round.peers.push(peer)
      rounds.set(spaces.join(), round)
    }
    const results = await Promise.all([...rounds.values()].map((round) => this.#ask(round, question, options)))
    return {
      sources: results.flatMap((result) => result.sources),
      coverage: {
        asked: askable.size,
        answered: results.reduce((sum, result) => sum + result.answered, 0),
        silent: results.flatMap((result) => result.silent),
      },
    }
  }

  /**
   * Answers another peer. Rejects with `ERR_RESEARCH_WIRE`, `ERR_PAPER_QUERY` or `ERR_OVERLOADED`, which the bus hands to the
   * asker; all are counted.
   */
  async respond(body: Uint8Array, { from, signal }: Pick<RequestContext, 'from' | 'signal'>): Promise<Uint8Array> {
    try {
      const query = decodeQuery(body)
      const answer = await this.#gate.pass(from, signal, () => this.#answer(query, from, signal))
      this.#counts.queriesAnswered++
      return answer
    } catch (error) {
      this.#counts.queriesRefused++
      throw error
    }
  }

  async #answer({ text, spaces, limit }: WireQuery, from: PeerId, signal: AbortSignal): Promise<Uint8Array> {
    const open = [...new Set(spaces)].filter((space) => this.#components.spaces.mayRead(space, from))
    const answers = await this.#answers({ text, spaces: open, limit }, signal)
    // Who was removed while we searched is told nothing any more.
    return encodeAnswer(answers.filter(({ space }) => this.#components.spaces.mayRead(space, from)))
  }

  async #answers({ text, spaces, limit }: Question, signal: AbortSignal): Promise<readonly WireAnswer[]> {
    const query = parsePaperQuery(text)
    const answers: WireAnswer[] = []
    for (const space of spaces) {
      const { documents, frequencies, hits } = await this.#components.library.search(space, query, limit, signal)
      answers.push({
        space,
        fingerprint: this.#fingerprint(space),
        documents,
        frequencies,
        hits: hits.map(({ paper: { id, record, author, hlc, source, fields }, weights }) => {
          return { paper: id, record, author, hlc, source, fields: shortFields(fields), weights }
        }),
      })
    }
    return answers
  }

  /** Equal for peers that hold exactly the same logs of a space up to the same records. */
  #fingerprint(space: SpaceId): string {
    const heads = this.#components.journal
      .heads(space)
      .map(({ author, log, base, seq, id }) => `${author} ${log} ${base} ${seq} ${id}`)
    return hexOf(sha256(utf8(heads.sort().join('\n'))).slice(0, FINGERPRINT_BYTES))
  }

  async #ask(
    { peers, spaces }: Round,
    question: Question,
    options: AskOptions,
  ): Promise<{ sources: ScoredSource[]; answered: number; silent: AskCoverage['silent'] }> {
    const nameOf = (peer: PeerId): string => this.#components.spaces.peerName(peer, spaces[0]).name
    const body = encodeQuery({ text: question.text, spaces, limit: question.limit })
    const sources: ScoredSource[] = []
    const silent: { peer: PeerId; name: string; reason: string }[] = []
    const fail = (peer: PeerId, reason: string): void => void silent.push({ peer, name: nameOf(peer), reason })
    let answered = 0
    const result = await this.#query(peers, body, options)
    for (const answer of result.answers) {
      try {
        const parts = decodeAnswer(answer.body).filter((part) => spaces.includes(part.space))
        for (const part of parts) sources.push({ peer: answer.peer, answer: part })
        answered++
      } catch (error) {
        this.#counts.answersRefused++
        fail(answer.peer, reasonOf(error))
      }
    }
    for (const { peer, reason } of result.coverage.failed) fail(peer, reason)
    for (const peer of result.coverage.silent) fail(peer, `no answer within ${options.deadlineMs} ms`)
    return { sources, answered, silent }
  }

  async #query(
    peers: readonly PeerId[],
    body: Uint8Array,
    { deadlineMs, signal, trace }: AskOptions,
  ): Promise<QueryResult> {
    try {
      return await this.#components.bus.query(peers, QUERY_KIND, body, { timeoutMs: deadlineMs, signal, trace })
    } catch (error) {
      signal.throwIfAborted()
      const failed = peers.map((peer) => ({ peer, reason: reasonOf(error) }))
      return { answers: [], coverage: { asked: peers.length, answered: 0, failed, silent: [] } }
    }
  }
}
