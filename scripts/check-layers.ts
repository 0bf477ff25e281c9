/**
 * Checks the architecture of `src` (see ARCHITECTURE.md): who may import whom, by which door, and that what is pure stays
 * pure. Prints `file:line  rule: what is wrong` for each fault; files that grew too long are only mentioned.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ambientUses } from './ambient-uses.ts'
import { type ImportSite, importSites, tokenize } from './source-tokens.ts'

export type Rule = 'layer' | 'door' | 'ambient' | 'libp2p' | 'length' | 'name'

export interface Finding {
  readonly file: string
  readonly line: number
  readonly rule: Rule
  readonly message: string
  /** True for a hint that fails nothing. */
  readonly warning: boolean
}

export const FILE_LENGTH_LINES = 400

const TO_SPACE = ['base', 'identity', 'store', 'network', 'records', 'bus', 'space']
const TO_SYNC = [...TO_SPACE, 'sync', 'blobs']
const TO_DOMAINS = [...TO_SYNC, 'cognition', 'research', 'models', 'decisions', 'learning']

/** What each module may import. Faces may import types, and only types, from anywhere. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  identity: ['base'],
  store: ['base'],
  network: ['base', 'identity', 'store'],
  records: ['base', 'identity', 'store'],
  bus: ['base', 'identity', 'store', 'network'],
  space: ['base', 'identity', 'store', 'records'],
  sync: TO_SPACE,
  blobs: TO_SPACE,
  cognition: TO_SYNC,
  research: TO_SYNC,
  models: TO_SYNC,
  decisions: TO_SYNC,
  learning: [...TO_SYNC, 'models'],
  node: TO_DOMAINS,
  control: ['base'],
  mcp: ['base', 'control', 'node'],
  cli: ['base', 'identity', 'control', 'node', 'mcp'],
  dashboard: ['base', 'node'],
  // The package's own door, src/index.ts.
  '': [...TO_DOMAINS, 'node', 'mcp'],
}

const FACES = new Set(['mcp', 'cli'])
const LIBP2P = /^(libp2p$|@libp2p\/|@multiformats\/)/
const LIBP2P_HOME = 'src/network/adapters/libp2p'
const SOURCE = /\.(ts|mts|tsx|js|mjs)$/
const VAGUE = /(^|[-.])(utils?|helpers?|managers?|common|misc)([-.]|$)/
/** Folders whose files follow the rules on names and length; the rules on imports are for `src`. */
const CHECKED = ['src', 'test', 'bench', 'demo', 'examples', 'scripts', 'bin']

/** Faults of one file; `file` is its path from the repository's root, with slashes. */
export function checkSource(file: string, source: string): Finding[] {
  const findings: Finding[] = []
  const report = (line: number, rule: Rule, message: string, warning = false): void => {
    findings.push({ file, line, rule, message, warning })
  }
  checkName(file, report)
  const lines = source.split('\n').length - 1
  if (lines > FILE_LENGTH_LINES) report(1, 'length', `${lines} lines; ${FILE_LENGTH_LINES} are enough`, true)
  if (!file.startsWith('src/')) return findings

  const tokens = tokenize(source)
  const sites = importSites(tokens)
  for (const site of sites) checkImport(file, site, report)
  if (!mayTouchTheWorld(file)) {
    for (const { line, what } of ambientUses(tokens, sites)) {
      report(line, 'ambient', `${what} belongs in an adapters/ folder; take it as a component`)
    }
  }
  return findings.sort((one, other) => one.line - other.line)
}

type Report = (line: number, rule: Rule, message: string) => void

function checkName(file: string, report: Report): void {
  for (const part of file.split('/').slice(1)) {
    const vague = VAGUE.exec(part)?.[2]
    if (vague !== undefined) report(1, 'name', `'${part}': name it for the thing in it, not '${vague}'`)
  }
}

function checkImport(file: string, site: ImportSite, report: Report): void {
  const { specifier, line } = site
  if (specifier === undefined) {
    if (!mayTouchTheWorld(file))
      report(line, 'layer', 'import(...) of a computed name: nobody can check where it leads')
  } else if (/^\.{0,2}\//.test(specifier)) {
    checkRelative(file, specifier, site, report)
  } else if (/^plexus($|\/)/.test(specifier)) {
    report(line, 'door', `'${specifier}': inside src import the relative file`)
  } else if (LIBP2P.test(specifier) && !file.startsWith(`${LIBP2P_HOME}/`)) {
    report(line, 'libp2p', `'${specifier}' may be imported in ${LIBP2P_HOME} only`)
  }
}

function checkRelative(file: string, specifier: string, site: ImportSite, report: Report): void {
  const target = posix.join(posix.dirname(file), specifier)
  const from = moduleOf(file)
  const to = moduleOf(target)
  const allowed = MAY_IMPORT[from]
  if (!target.startsWith('src/')) {
    if (target !== 'package.json') report(site.line, 'door', `'${specifier}' leads out of src`)
  } else if (allowed === undefined) {
    report(site.line, 'layer', `src/${from} has no place in the table of scripts/check-layers.ts: give it one`)
  } else if (to !== from) {
    const face = FACES.has(from)
    if (!allowed.includes(to) && !(face && site.typeOnly)) {
      const beyond = face ? ' (types of the others are free: import type)' : ''
      const sentence = `${name(from)} may not import ${name(to)}, only ${allowed.join(', ') || 'nothing'}${beyond}`
      report(site.line, 'layer', sentence)
    }
    const door = `src/${to}/index.ts`
    if (to !== '' && target !== door) report(site.line, 'door', `'${specifier}': enter ${to} through ${door}`)
  }
}

const name = (module: string): string => (module === '' ? "the package's door (src/index.ts)" : module)

/** The folder below src, or '' for what lies in src itself. */
function moduleOf(file: string): string {
  const parts = file.split('/')
  return parts.length > 2 ? (parts[1] ?? '') : ''
}

function mayTouchTheWorld(file: string): boolean {
  return file.split('/').slice(0, -1).includes('adapters') || file.startsWith('src/cli/')
}

/** Faults of a whole checkout. */
export function checkTree(root: string): Finding[] {
  return readdirSync(root)
    .filter((folder) => CHECKED.includes(folder))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    )
    .filter((path) => SOURCE.test(path) && !path.includes('node_modules'))
    .sort()
    .flatMap((path) => checkSource(path.split(sep).join('/'), readFileSync(join(root, path), 'utf8')))
}

if (import.meta.main) {
  const findings = checkTree(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))))
  for (const { file, line, rule, message, warning } of findings) {
    console.log(`${file}:${line}  ${warning ? 'warning, ' : ''}${rule}: ${message}`)
  }
  const faults = findings.filter(({ warning }) => !warning).length
  console.log(faults === 0 ? 'Layers, doors and pure code are as they should be' : `${faults} faults`)
  process.exitCode = faults === 0 ? 0 : 1
}
