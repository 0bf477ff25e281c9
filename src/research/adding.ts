import { parseName } from './bibtex/names.ts'
import { paperOfEntry } from './bibtex/paper-of-entry.ts'
import { readBibtex } from './bibtex/reader.ts'
import { ResearchError } from './errors.ts'
import { normaliseArxiv, normaliseDoi } from './ids.ts'
import type { AddInput } from './inputs.ts'
import { FIELD_NAMES, type PaperFields, readFields } from './paper-fields.ts'
import { paperIdOf } from './paper-id.ts'
import type { Entry } from './shelving.ts'

/** One paper as somebody gives it by hand. Throws `ERR_PAPER_INVALID` for what would be lost or cannot be filed. */
export function entryOfInput(input: AddInput): Entry {
  const fields = { ...fieldsOfBibtex(input.bibtex), ...fieldsOfCsl(input.fields), ...fieldsOfWords(input) }
  const id = paperIdOf(fields)
  if (id === undefined)
    throw invalid('this paper has neither a title nor a DOI nor an arXiv id', 'Give at least a title, or a DOI.')
  return { id, fields: readFields(fields) }
}

function fieldsOfBibtex(text: string | undefined): PaperFields {
  if (text === undefined) return {}
  const items = readBibtex(text)
  const [item] = items
  if (item === undefined)
    throw invalid('there is no BibTeX entry in this text', 'An entry begins with @article{key, or the like.')
  if (items.length > 1)
    throw invalid(`there are ${items.length} entries in this text`, 'Use research.import for several.')
  if (item.kind === 'rejected') throw invalid(`line ${item.problem.line}: ${item.problem.reason}`, 'Correct the entry.')
  return readFields(paperOfEntry(item.entry))
}

function fieldsOfCsl(csl: Readonly<Record<string, unknown>> | undefined): PaperFields {
  if (csl === undefined) return {}
  const { id: _id, ...given } = csl
  const { keyword } = given
  const fields = readFields(typeof keyword === 'string' ? { ...given, keyword: keyword.split(/[,;]\s*/) } : given)
  const lost = Object.keys(given).filter(
    (name) => !FIELD_NAMES.some((known) => known === name && fields[known] !== undefined),
  )
  if (lost.length === 0) return fields
  throw invalid(
    `not understood: ${lost.join(', ')}`,
    `These fields are known: ${FIELD_NAMES.join(', ')}; each in the form of CSL-JSON.`,
  )
}

function fieldsOfWords(input: AddInput): PaperFields {
  const { title, authors, year, venue, url, abstract, keywords } = input
  const author = authors?.flatMap((name) => parseName(name) ?? [])
  const doi = input.doi === undefined ? undefined : normaliseDoi(input.doi)
  if (input.doi !== undefined && doi === undefined)
    throw invalid(`not a DOI: ${input.doi}`, 'One looks like 10.1145/359545.359563, with or without its link.')
  const arxiv = input.arxiv === undefined ? undefined : normaliseArxiv(input.arxiv)
  if (input.arxiv !== undefined && arxiv === undefined)
    throw invalid(`not an arXiv id: ${input.arxiv}`, 'One looks like 1706.03762 or hep-th/9901001.')
  return {
    ...(title !== undefined && { title }),
    ...(author !== undefined && author.length > 0 && { author }),
    ...(year !== undefined && { issued: { 'date-parts': [[year]] } }),
    ...(venue !== undefined && { 'container-title': venue }),
    ...(doi !== undefined && { DOI: doi }),
    ...(arxiv !== undefined && { arXiv: arxiv.id }),
    ...(url !== undefined && { URL: url }),
    ...(abstract !== undefined && { abstract }),
    ...(keywords !== undefined && keywords.length > 0 && { keyword: [...new Set(keywords)] }),
  }
}

function invalid(message: string, fix: string): ResearchError {
  return new ResearchError('ERR_PAPER_INVALID', message, { fix })
}
