import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { CITATION_STYLES, formatCitation, paperOfEntry, readBibtex, writeBibtex } from '../../../src/research/index.ts'

interface Reference {
  readonly bibtex: string
  readonly apa: string
  readonly ieee: string
}

const references = JSON.parse(readFileSync(new URL('references.json', import.meta.url), 'utf8')) as readonly Reference[]

describe('references, byte for byte', () => {
  for (const reference of references) {
    it(reference.apa.slice(0, 60), () => {
      const [item] = readBibtex(reference.bibtex)
      assert.equal(item?.kind, 'entry')
      const paper = item.kind === 'entry' ? paperOfEntry(item.entry) : {}
      for (const style of CITATION_STYLES) assert.equal(formatCitation(paper, style), reference[style], style)
      assert.equal(writeBibtex(paper, 'other'), reference.bibtex.replace(/\{[^,]*,/, '{other,'))
    })
  }
})
