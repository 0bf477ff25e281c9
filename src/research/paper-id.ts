import { hexOf, sha256, utf8 } from '../base/index.ts'
import { foldText } from './fold.ts'
import { normaliseArxiv, normaliseDoi } from './ids.ts'
import { type PaperFields, yearOf } from './paper-fields.ts'

/** The longest paper id, in characters. */
export const PAPER_ID_MAX_CHARS = 300
const TITLE_TAG = 'plexus-paper-title-1'
const TITLE_ID = /^title:[0-9a-f]{32}$/

/**
 * The id under which everybody files a paper: `doi:...`, else `arxiv:...`, else `title:` and a hash of the folded title, the first
 * author's family name and the year. It depends on the fields alone, so two peers that import the same paper meet without a
 * word between them. `undefined` when there is neither an identifier nor a title.
 */
export function paperIdOf(fields: PaperFields): string | undefined {
  const [strongest] = strongIdsOf(fields)
  if (strongest !== undefined) return strongest
  const title = foldText(fields.title ?? '').replaceAll(' ', '')
  if (title === '') return undefined
  const [first] = fields.author ?? fields.editor ?? []
  const author = foldText(first?.family ?? first?.literal ?? '').replaceAll(' ', '')
  const parts = [TITLE_TAG, title, author, String(yearOf(fields) ?? '')]
  return `title:${hexOf(sha256(utf8(parts.join('\0')))).slice(0, 32)}`
}

/** The ids that name a paper whatever its title: strongest first. arXiv's own DOIs are arXiv ids. */
export function strongIdsOf(fields: PaperFields): readonly string[] {
  const ids: string[] = []
  const doi = fields.DOI === undefined ? undefined : idOfReference(fields.DOI)
  if (doi !== undefined) ids.push(doi)
  const arxiv = fields.arXiv === undefined ? undefined : `arxiv:${fields.arXiv}`
  if (arxiv !== undefined && arxiv !== doi) ids.push(arxiv)
  return ids
}

/** The paper id that a DOI, an arXiv id, a link to either, or a paper id itself stands for. */
export function idOfReference(text: string): string | undefined {
  const trimmed = text.trim()
  if (TITLE_ID.test(trimmed)) return trimmed
  const arxiv = normaliseArxiv(trimmed)
  if (arxiv !== undefined) return `arxiv:${arxiv.id}`
  const doi = normaliseDoi(trimmed)
  return doi === undefined ? undefined : `doi:${doi}`
}

/** Whether this is the one way to write a paper id. */
export function isPaperId(text: unknown): text is string {
  return typeof text === 'string' && text.length <= PAPER_ID_MAX_CHARS && idOfReference(text) === text
}
