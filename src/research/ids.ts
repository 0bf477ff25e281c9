/** The longest identifier that is looked at, in characters. */
const ID_MAX_CHARS = 512
/** The longest DOI that is accepted: they are case-insensitive, of any length, in practice under 100. */
const DOI_MAX_CHARS = 256

const DOI_PREFIX = /^(?:https?:\/\/(?:(?:dx|www)\.)?doi\.org\/|doi:\s*|urn:doi:)+/i
/** Graphic characters only (DOI Handbook, section 2.2): neither blanks nor what cannot be seen. */
const DOI = /^10\.\d{4,9}(?:\.\d+)*\/[^\s\p{C}\p{Zl}\p{Zp}\p{Variation_Selector}]+$/u
const ARXIV_PREFIX =
  /^(?:https?:\/\/(?:www\.|export\.)?arxiv\.org\/(?:abs|pdf|html|format)\/|arxiv:\s*|oai:arxiv\.org:|10\.48550\/arxiv\.)+/i
const ARXIV_NEW = /^(\d{4}\.\d{4,5})(?:v(\d{1,3}))?$/
const ARXIV_OLD = /^([a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?\/(\d{7})(?:v(\d{1,3}))?$/i
const ORCID = /^(?:https?:\/\/)?(?:www\.)?(?:orcid\.org\/|orcid:\s*)?(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dx])$/i

/**
 * A DOI in its one normal form: no resolver, no `doi:`, lower-case, no punctuation of the sentence around it.
 * `undefined` for anything else (DOI Handbook, section 2).
 */
export function normaliseDoi(text: string): string | undefined {
  if (text.length > ID_MAX_CHARS) return undefined
  let doi = text.trim().replace(DOI_PREFIX, '').toLowerCase()
  if (doi.includes('%')) doi = decodePercent(doi)
  doi = withoutTrailingPunctuation(doi)
  return doi.length <= DOI_MAX_CHARS && DOI.test(doi) ? doi : undefined
}

export interface ArxivId {
  /** `1706.03762` or `hep-th/9901001`, lower-case, without version and subject class. */
  readonly id: string
  readonly version: number | undefined
}

/** An arXiv identifier from any of its spellings, the DOI `10.48550/arXiv.X` included (arXiv identifier scheme). */
export function normaliseArxiv(text: string): ArxivId | undefined {
  if (text.length > ID_MAX_CHARS) return undefined
  const bare = text
    .trim()
    .replace(DOI_PREFIX, '')
    .replace(ARXIV_PREFIX, '')
    .replace(/\.pdf$/i, '')
    .replace(/\s*\[[^\]]*\]$/, '')
  const modern = ARXIV_NEW.exec(bare)
  if (modern !== null) return { id: modern[1] ?? '', version: versionOf(modern[2]) }
  const old = ARXIV_OLD.exec(bare)
  return old === null ? undefined : { id: `${old[1]?.toLowerCase()}/${old[2]}`, version: versionOf(old[3]) }
}

/** The thirteen digits of an ISBN-10 or ISBN-13 with a right check digit (ISO 2108). */
export function normaliseIsbn(text: string): string | undefined {
  if (text.length > ID_MAX_CHARS) return undefined
  const digits = text
    .replace(/^\s*(?:urn:)?isbn(?:-1[03])?:?/i, '')
    .replace(/[\s\-–]/g, '')
    .toUpperCase()
  if (/^\d{9}[\dX]$/.test(digits)) {
    const sum = [...digits].reduce(
      (total, digit, index) => total + (10 - index) * (digit === 'X' ? 10 : Number(digit)),
      0,
    )
    if (sum % 11 !== 0) return undefined
    const stem = `978${digits.slice(0, 9)}`
    return stem + isbnCheckDigit(stem)
  }
  return /^97[89]\d{10}$/.test(digits) && isbnCheckDigit(digits.slice(0, 12)) === digits.at(-1) ? digits : undefined
}

/** `0000-0002-1825-0097` with a right check character (ISO 7064 MOD 11-2). */
export function normaliseOrcid(text: string): string | undefined {
  if (text.length > ID_MAX_CHARS) return undefined
  const parts = ORCID.exec(text.trim())?.slice(1)
  if (parts === undefined) return undefined
  const orcid = parts.join('-').toUpperCase()
  const digits = orcid.replaceAll('-', '')
  let total = 0
  for (const digit of digits.slice(0, 15)) total = ((total + Number(digit)) * 2) % 11
  const check = (12 - total) % 11
  return digits.at(-1) === (check === 10 ? 'X' : String(check)) ? orcid : undefined
}

function isbnCheckDigit(stem: string): string {
  const sum = [...stem].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0)
  return String((10 - (sum % 10)) % 10)
}

function versionOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits)
}

function decodePercent(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A closing bracket belongs to the sentence only if it closes nothing in the DOI. */
function withoutTrailingPunctuation(doi: string): string {
  let end = doi.length
  for (; end > 0; end--) {
    const char = doi.charAt(end - 1)
    const opener = { ')': '(', ']': '[', '}': '{', '>': '<' }[char]
    if (opener !== undefined && count(doi, char, end) <= count(doi, opener, end)) break
    if (opener === undefined && !`.,;:"'`.includes(char)) break
  }
  return doi.slice(0, end)
}

function count(text: string, char: string, end: number): number {
  let found = 0
  for (let at = text.indexOf(char); at !== -1 && at < end; at = text.indexOf(char, at + 1)) found++
  return found
}
