import { resolve } from 'node:path'
import type { Command } from 'commander'
import { plainText } from '../../base/index.ts'
import type { AskCoverage, FindReport, FoundPaper, ImportReport, PaperReport } from '../../research/index.ts'
import { type CommandContext, numberOption, run } from '../command.ts'
import { oneLine, styled } from '../terminal.ts'

interface FindOptions {
  readonly from?: string
  readonly limit?: string
  readonly deadline?: string
  readonly space?: string
}

interface CiteOptions {
  readonly style?: string
  readonly space?: string
}

/** Rejections and warnings shown to people; all of them are in `--json`. */
const PROBLEMS_SHOWN_MAX = 20
/** Longer than the longest reference: no field has more than 20,000 characters. */
const REFERENCE_MAX_CHARS = 200_000

/** `research`: the shared library. */
export function addResearchCommands(program: Command): void {
  const research = program.command('research').description('papers: import, find, show, cite')
  research
    .command('import')
    .argument('<file>', 'a BibTeX or BibLaTeX file')
    .option('--space <name>', 'into which space (default: the newest shared one)')
    .description('read a bibliography into the library; one bad entry never costs the file')
    .action(run<[string, { space?: string }]>(importFile))
  research
    .command('find')
    .argument('[query...]', 'words, author:lamport, year:2019.., topic:consensus, cites:ID, a DOI or an arXiv id')
    .option('--from <whom>', '"local" or "all" members of our spaces (default local)')
    .option('--limit <n>', 'how many (default 10)')
    .option('--deadline <ms>', 'how long to wait for other peers (default 2000)')
    .option('--space <name>', 'only in this space')
    .description('find papers, here or at every member')
    .action(run<[string[], FindOptions]>(find))
  research
    .command('show')
    .argument('<id>', 'paper id, DOI or arXiv id')
    .description('one paper, with its citations and who says what of it')
    .action(run<[string]>(show))
  research
    .command('cite')
    .argument('<id>', 'paper id, DOI or arXiv id')
    .argument('[cited]', 'record that the first paper cites this one')
    .option('--style <style>', 'bibtex, apa or ieee (default bibtex)')
    .option('--space <name>', 'in which space a citation is recorded')
    .description('write a reference to a paper, or record a citation between two')
    .action(run<[string, string | undefined, CiteOptions]>(cite))
}

async function importFile(context: CommandContext, file: string, options: { readonly space?: string }): Promise<void> {
  // The daemon reads the file: its working folder is not ours.
  const report = await context.ask<ImportReport>('research.import', { path: resolve(file), ...options })
  const { read, added, merged, citations, rejected, warnings } = report
  const problems = [
    ...rejected.map((problem) => ['rejected', problem] as const),
    ...warnings.map((problem) => ['look at', problem] as const),
  ]
  const lines = problems
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(([what, { line, reason }]) => `${what} line ${line}: ${oneLine(reason, 160)}`)
  if (problems.length > PROBLEMS_SHOWN_MAX)
    lines.push(`and ${problems.length - PROBLEMS_SHOWN_MAX} more: --json lists them all`)
  const summary = `${read} entries read: ${added} papers added, ${merged} merged with known ones, ${rejected.length} rejected; ${citations} citations added`
  context.finish(report, [...lines, summary].join('\n'))
}

async function find(context: CommandContext, words: readonly string[], options: FindOptions): Promise<void> {
  const { limit, deadline, ...rest } = options
  const report = await context.ask<FindReport>('research.find', {
    query: words.join(' '),
    ...rest,
    limit: numberOption('limit', limit),
    deadlineMs: numberOption('deadline', deadline),
  })
  const lines = report.results.map(paperLine)
  if (report.coverage !== undefined) lines.push(styled('dim', coverageLine(report.coverage)))
  context.finish(report, report.results.length === 0 ? ['no paper found', ...lines].join('\n') : lines.join('\n'))
}

function paperLine(paper: FoundPaper): string {
  const authors = paper.authors.length > 3 ? `${paper.authors[0] ?? ''} et al.` : paper.authors.join(', ')
  const where = [paper.venue, paper.year].filter((part) => part !== undefined).join(' ')
  const others = paper.alsoBy.length === 0 ? '' : ` and ${paper.alsoBy.length} more`
  const origin = `${oneLine(paper.id, 300)}   from ${oneLine(paper.author.name, 32)}${others}, signature ${paper.signature}; cited by ${paper.citedBy} here`
  return `${styled('bold', oneLine(paper.title, 140))}\n  ${oneLine(authors, 120)}. ${oneLine(where, 120)}\n  ${styled('dim', origin)}`
}

function coverageLine({ asked, answered, silent }: AskCoverage): string {
  const missing = silent.map((peer) => `${oneLine(peer.name, 32)} (${oneLine(peer.reason)})`).join(', ')
  return `${answered} of ${asked} peers answered${missing === '' ? '' : `; not ${missing}`}`
}

async function show(context: CommandContext, id: string): Promise<void> {
  const report = await context.ask<{ readonly paper: PaperReport }>('research.show', { id })
  const { paper } = report
  const fields = Object.entries(paper.fields).map(([name, value]) => {
    const said = paper.provenance[name]
    const by = said === undefined ? '' : styled('dim', `  (${oneLine(said.author.name, 32)}, ${said.source})`)
    return `${name.padEnd(16)} ${oneLine(typeof value === 'string' ? value : JSON.stringify(value), 300)}${by}`
  })
  const edges = [
    ...paper.cites.map((edge) => `cites            ${oneLine(edge.title, 120)}  ${edge.id}`),
    ...paper.citedBy.map((edge) => `cited by         ${oneLine(edge.title, 120)}  ${edge.id}`),
    ...paper.disagreements.map(
      (other) =>
        `disagreement     ${other.field}: ${oneLine(JSON.stringify(other.value), 120)} (${oneLine(other.author.name, 32)})`,
    ),
  ]
  context.finish(report, [paper.id, ...fields, ...edges].join('\n'))
}

async function cite(
  context: CommandContext,
  id: string,
  cited: string | undefined,
  options: CiteOptions,
): Promise<void> {
  const { style, space } = options
  if (cited === undefined) {
    const report = await context.ask<{ readonly reference: { readonly text: string } }>('research.cite', {
      id,
      style: style ?? 'bibtex',
      space,
    })
    return context.finish(report, plainText(report.reference.text, REFERENCE_MAX_CHARS))
  }
  const report = await context.ask<{ readonly citation: { readonly added: boolean } }>('research.cite', {
    citing: id,
    cited,
    space,
  })
  context.finish(report, report.citation.added ? 'citation recorded' : 'this citation was recorded before')
}
