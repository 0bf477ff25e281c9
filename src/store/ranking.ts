/** The usual constants of BM25 (Robertson and Zaragoza 2009, section 3.2). */
export const BM25_K1 = 1.2
export const BM25_B = 0.75
/** The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009). */
export const RRF_K = 60

/**
 * The part of a BM25 term weight that one document determines. `frequency` is the sum of the field weights over the
 * places of the term, `length` the number of terms in the document.
 */
export function bm25Weight(frequency: number, length: number, averageLength: number): number {
  const norm = 1 - BM25_B + (BM25_B * length) / Math.max(1, averageLength)
  return (frequency * (BM25_K1 + 1)) / (frequency + BM25_K1 * norm)
}

/** The part of a BM25 term weight that the collection determines; the same as in FTS5 but for its lower bound. */
export function inverseDocumentFrequency(documents: number, withTerm: number): number {
  return Math.log(1 + (Math.max(documents, withTerm) - withTerm + 0.5) / (withTerm + 0.5))
}

/** Adds 1 / (k + rank) for every document of a list; equal scores share a rank, so that no order is made up. */
export function addReciprocalRanks<Key>(fused: Map<Key, number>, scores: ReadonlyMap<Key, number>): void {
  const sorted = [...scores].sort(([, a], [, b]) => b - a)
  let rank = 0
  let previous: number | undefined
  sorted.forEach(([id, score], index) => {
    if (score !== previous) rank = index + 1
    previous = score
    fused.set(id, (fused.get(id) ?? 0) + 1 / (RRF_K + rank))
  })
}
