import { compareText, type PeerId, type SpaceId } from '../base/index.ts'
import { inverseDocumentFrequency } from '../store/index.ts'
import { yearOf } from './paper-fields.ts'
import { strongIdsOf } from './paper-id.ts'
import type { WireAnswer, WireHit } from './wire.ts'

/** What one peer, we among them, found in one space. */
export interface ScoredSource {
  readonly peer: PeerId
  readonly answer: WireAnswer
}

export interface RankedPaper {
  readonly hit: WireHit
  readonly space: SpaceId
  readonly score: number
  /** The peers that hold it, in the order of the sources. */
  readonly heldBy: readonly PeerId[]
}

interface Candidate {
  readonly hit: WireHit
  readonly space: SpaceId
  readonly peer: PeerId
  readonly score: number
  /** Which of the sources it came from. */
  readonly source: number
  /** Its place in the answer that it came in: what orders hits that no whole word brought. */
  readonly rank: number
}

/**
 * One ranking out of many answers: the asker adds up how common each term is over those who answered and scores every hit
 * anew. Scores of different peers cannot be compared; term weights can. Papers are shown once, with everyone who holds them.
 *
 * Peers that hold exactly the same records of a space count once, however many they are. Our own sources come first.
 */
export function rescore(sources: readonly ScoredSource[], limit: number): readonly RankedPaper[] {
  const collection = addUp(sources)
  const candidates = sources.flatMap(({ peer, answer }, source) =>
    answer.hits.map((hit, rank) => ({ hit, peer, space: answer.space, source, rank, score: scoreOf(hit, collection) })),
  )
  return groupByPaper(candidates).slice(0, limit).map(shownOf)
}

/** The score of the best answer, in the words of the first: ours, if we hold the paper. */
function shownOf(group: Group): RankedPaper {
  const [best] = group
  const inOrder = group.toSorted((a, b) => a.source - b.source)
  const { hit, space } = inOrder[0] ?? best
  return { hit, space, score: best.score, heldBy: [...new Set(inOrder.map((each) => each.peer))] }
}

interface Collection {
  readonly documents: number
  readonly frequencies: ReadonlyMap<string, number>
}

function addUp(sources: readonly ScoredSource[]): Collection {
  let documents = 0
  const frequencies = new Map<string, number>()
  const counted = new Set<string>()
  for (const { answer } of sources) {
    const replica = `${answer.space}${answer.fingerprint}`
    if (counted.has(replica)) continue
    counted.add(replica)
    documents += answer.documents
    for (const [term, frequency] of Object.entries(answer.frequencies)) {
      frequencies.set(term, (frequencies.get(term) ?? 0) + frequency)
    }
  }
  return { documents, frequencies }
}

function scoreOf(hit: WireHit, { documents, frequencies }: Collection): number {
  let score = 0
  for (const [term, weight] of Object.entries(hit.weights)) {
    score += weight * inverseDocumentFrequency(documents, frequencies.get(term) ?? 0)
  }
  return score
}

/** The same on every asker that has the same answers: score, place, year (newest first), id, then peer and space. */
function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    b.score - a.score ||
    (a.score === 0 ? a.rank - b.rank : 0) ||
    (yearOf(b.hit.fields) ?? 0) - (yearOf(a.hit.fields) ?? 0) ||
    compareText(a.hit.paper, b.hit.paper) ||
    compareText(a.space, b.space)
  )
}

type Group = [Candidate, ...Candidate[]]

/**
 * Puts together what has an identifier in common, unless two DOIs say that these are different works. Whatever ties two
 * identifiers together goes first, so that the outcome does not hang on the order of the answers. Best group first.
 */
function groupByPaper(candidates: readonly Candidate[]): readonly Group[] {
  const groups: Group[] = []
  const byId = new Map<string, Group[]>()
  const tied = candidates.map((candidate) => ({ candidate, ids: idsOf(candidate.hit) }))
  tied.sort((a, b) => b.ids.size - a.ids.size || compareText(a.candidate.hit.paper, b.candidate.hit.paper))
  for (const { candidate, ids } of tied) {
    const claiming = [...ids].flatMap((id) => byId.get(id) ?? [])
    const known = claiming.find(([first]) => isSameWork(first.hit, candidate.hit))
    const group: Group = known ?? [candidate]
    if (known === undefined) groups.push(group)
    else known.push(candidate)
    for (const id of ids) {
      const claimed = byId.get(id)
      if (claimed === undefined) byId.set(id, [group])
      else if (!claimed.includes(group)) claimed.push(group)
    }
  }
  for (const group of groups) group.sort(compareCandidates)
  return groups.sort(([a], [b]) => compareCandidates(a, b))
}

function idsOf(hit: WireHit): ReadonlySet<string> {
  return new Set([hit.paper, ...strongIdsOf(hit.fields)])
}

function isSameWork(a: WireHit, b: WireHit): boolean {
  const [one, other] = [a.fields.DOI, b.fields.DOI]
  return a.paper === b.paper || one === undefined || other === undefined || one === other
}
