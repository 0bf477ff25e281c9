/** A shared library of papers: BibTeX in and out, provenance, citations, and queries to every member of our spaces. */
export { readTextFile } from './adapters/text-file.ts'
export type { AskCoverage } from './asking.ts'
export { type BibtexEntry, ENTRY_MAX_CHARS } from './bibtex/entry.ts'
export { Inheritance } from './bibtex/inheritance.ts'
export { decodeLatex } from './bibtex/latex.ts'
export { paperOfEntry } from './bibtex/paper-of-entry.ts'
export { type BibtexItem, type BibtexProblem, BibtexReader, readBibtex } from './bibtex/reader.ts'
export { citationKey, writeBibtex } from './bibtex/write.ts'
export { ResearchError, type ResearchErrorCode } from './errors.ts'
export { CITATION_STYLES, type CitationStyle, formatCitation } from './format-citation.ts'
export { type ArxivId, normaliseArxiv, normaliseDoi, normaliseIsbn, normaliseOrcid } from './ids.ts'
export type { ImportReport } from './importing.ts'
export type { AddInput, AskInput, CiteInput, FindInput, ImportInput, ShowInput } from './inputs.ts'
export type { ResearchOperations } from './operations.ts'
export { PAPER_TYPES, type PaperDate, type PaperFields, type PaperName, type PaperType } from './paper-fields.ts'
export { idOfReference, isPaperId, paperIdOf } from './paper-id.ts'
export { INTENTS, type Intent, RESEARCH_KIND, SOURCES, type Source } from './record-bodies.ts'
export type { Attribution, CitationReport, FoundPaper, PaperReport, SignatureState } from './reports.ts'
export {
  type AddReport,
  type AskReport,
  type CiteReport,
  type FindReport,
  type ReferenceReport,
  Research,
  type ResearchComponents,
  type ResearchInit,
  research,
} from './research.ts'
export type { TextSource } from './text-source.ts'
