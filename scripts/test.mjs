/**
 * The whole test command, what is fast first. `npm test -- WORD...` narrows it: a word that names a group (types, unit,
 * integration, ...; `check` for the four that run no tests) selects the group, any other selects the test files whose
 * path contains it. So `npm test -- unit records` runs the unit tests of records.
 *
 * Test files are those that end in .test.ts below test/GROUP/. They get an empty home and temporary folder of their own.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
const KILL_AFTER_MS = 10_000
const GROUP_DEADLINE_MS = 30 * 60_000

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cores = availableParallelism()
const parallel = Math.max(2, cores)
// Real processes and sockets: half the cores, or the machine's load decides what fails.
const careful = Math.max(1, Math.floor(cores / 2))

const CHECKS = { versions, types, lint, layers }
/** Groups in running order; other folders of test/ that hold tests come after these, and LAST at the end. */
const FIRST = ['unit', 'property', 'golden', 'acceptance', 'simulation']
const LAST = ['integration', 'pack']
/** Per group: files at a time, seconds for one test, seconds for one file. */
const LIMITS = { unit: [parallel, 30, 120], integration: [careful, 180, 600], pack: [1, 300, 900] }
const USUAL_LIMITS = [parallel, 120, 600]

const colours = process.stdout.isTTY === true
const tool = (...path) => join(root, 'node_modules', ...path)
const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))
const heading = (text) => console.log(`\n== ${text} ==`)

let running
let interrupted = false

function versions() {
  const { dependencies, devDependencies, optionalDependencies } = readJson('package.json')
  const locked = Object.entries(readJson('package-lock.json').packages)
  const npm = /^npm\/(\S+)/.exec(process.env.npm_config_user_agent ?? '')?.[1] ?? 'unknown'
  const typescript = readJson('node_modules', 'typescript', 'package.json').version
  const biome = readJson('node_modules', '@biomejs', 'biome', 'package.json').version
  console.log(
    `Node ${process.versions.node}, SQLite ${process.versions.sqlite}, npm ${npm}, TypeScript ${typescript}, ` +
      `Biome ${biome}, ${process.platform}-${process.arch}, ${cores} cores`,
  )
  const faults = [
    ...Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
      .filter(([, version]) => !/^\d/.test(version))
      .map(([name, version]) => `package.json: ${name} must have an exact version, not ${version}`),
    ...locked
      .filter(([, { resolved }]) => /^https?:/.test(resolved ?? ''))
      .map(([path]) => `package-lock.json: ${path} names a registry; .npmrc omits it, so run npm install with that`),
  ]
  for (const fault of faults) console.log(fault)
  return faults.length === 0
}

async function types() {
  return (await run([tool('typescript', 'bin', 'tsc'), '-p', '.'])) === 0
}

async function lint() {
  const plain = colours ? [] : ['--colors=off']
  return (await run([tool('@biomejs', 'biome', 'bin', 'biome'), 'ci', ...plain, '.'])) === 0
}

async function layers() {
  return (await run([join(root, 'scripts', 'check-layers.ts')])) === 0
}

/** Runs Node with these arguments on our own streams and resolves with its exit code. */
function run(args, env = process.env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
    running = child
    const deadline = setTimeout(() => {
      console.log(`This did not end within ${GROUP_DEADLINE_MS / 60_000} minutes and is stopped`)
      stop(child)
    }, GROUP_DEADLINE_MS)
    child.on('error', (error) => console.log(`${args[0]} could not be started: ${error.message}`))
    child.on('close', (code) => {
      clearTimeout(deadline)
      running = undefined
      resolve(code ?? 1)
    })
  })
}

function stop(child) {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref()
}

/** The test files of each group that has any, in running order. */
function findGroups() {
  const groups = new Map()
  const folder = join(root, 'test')
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true }) : []
  for (const name of entries.filter((entry) => /\.test\.m?[jt]s$/.test(entry)).sort()) {
    const group = name.split(sep)[0]
    groups.set(group, [...(groups.get(group) ?? []), join(folder, name)])
  }
  // There is something to pack once the package has a door and a command.
  const doors = ['src/index.ts', 'src/cli/main.ts'].map((door) => join(root, door))
  if (doors.every((door) => existsSync(door))) groups.set('pack', [join(root, 'scripts', 'pack-test.mjs')])
  const others = [...groups.keys()].filter((name) => !FIRST.includes(name) && !LAST.includes(name))
  const order = [...FIRST, ...others, ...LAST]
  return new Map(order.filter((name) => groups.has(name)).map((name) => [name, groups.get(name)]))
}

/** Runs one group in node's test runner; the counts come from the runner itself, through a reporter of ours. */
async function runGroup(name, files, scratch) {
  const [concurrency, testSeconds, fileSeconds] = LIMITS[name] ?? USUAL_LIMITS
  const totals = join(scratch, `${name}.json`)
  const code = await run(
    [
      `--import=${new URL('test-deadline.mjs', import.meta.url).href}`,
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${testSeconds * 1000}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${new URL('test-totals.mjs', import.meta.url).href}`,
      `--test-reporter-destination=${totals}`,
      ...files,
    ],
    environment(name, scratch, fileSeconds),
  )
  const { passed, failed, cancelled, skipped, todo } = readCounts(totals)
  const counts = { passed, failed: failed + cancelled, skipped: skipped + todo }
  if (code !== 0 && counts.failed === 0) counts.failed = 1 // the runner itself broke
  return counts
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, cancelled: 0, skipped: 0, todo: 0 } // it died before it could count
  }
}

/** Nothing that a test starts finds the user's own home, settings or running peer. */
function environment(group, scratch, fileSeconds) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PLEXUS_|NODE_TEST_CONTEXT$)/.test(name))
  const folder = (name) => {
    const path = join(scratch, name)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }
  const home = folder('home')
  const env = {
    ...Object.fromEntries(kept),
    TEST_FILE_DEADLINE_MS: String(fileSeconds * 1000),
    PLEXUS_HOME: folder('plexus'),
    TMPDIR: folder('tmp'),
  }
  if (group === 'pack') return env // npm keeps its cache and its settings at home
  for (const name of ['HOME', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA']) env[name] = home
  for (const name of ['config', 'data', 'state', 'cache'])
    env[`XDG_${name.toUpperCase()}_HOME`] = folder(`home/${name}`)
  env.XDG_RUNTIME_DIR = folder('run')
  return env
}

/** What the words of the command line select: `[name, start]` of each step. */
function select(words, scratch) {
  const groups = findGroups()
  const named = words.flatMap((word) => (word === 'check' ? Object.keys(CHECKS) : [word]))
  const names = named.filter((word) => word in CHECKS || groups.has(word))
  const paths = named.filter((word) => !names.includes(word))
  const wanted = (name) => names.length === 0 || names.includes(name)
  const steps = []
  for (const [name, check] of Object.entries(CHECKS)) {
    if (!wanted(name) || paths.length > 0) continue
    steps.push([name, async () => ((await check()) ? count(1, 0) : count(0, 1))])
  }
  for (const [name, all] of groups) {
    const files = all.filter((file) => paths.every((word) => relative(root, file).includes(word)))
    if (!wanted(name) || files.length === 0) continue
    const title = `${name} (${files.length} ${files.length === 1 ? 'file' : 'files'})`
    steps.push([title, () => runGroup(name, files, scratch)])
  }
  return steps
}

const count = (passed, failed, skipped = 0) => ({ passed, failed, skipped })
const sentence = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`

async function runAll(steps) {
  const total = count(0, 0)
  const lines = []
  for (const [title, start] of steps) {
    if (interrupted) break
    heading(title)
    const began = performance.now()
    const counts = await start()
    for (const key of Object.keys(total)) total[key] += counts[key]
    const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(7)
    lines.push(`${counts.failed === 0 ? 'ok    ' : 'FAILED'} ${seconds} s  ${title}: ${sentence(counts)}`)
  }
  heading(interrupted ? 'summary (interrupted)' : 'summary')
  for (const line of lines) console.log(line)
  console.log(`\n${sentence(total)}`)
  return total.failed === 0 && !interrupted
}

async function main(words) {
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
    console.error(`The tests need Node ${NODE_MAJOR}; this is ${process.version}. Run them with: npm test`)
    return 1
  }
  const scratch = mkdtempSync(join(tmpdir(), 'plexus-test-'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      interrupted = true
      if (running !== undefined) stop(running)
    })
  }
  try {
    const steps = select(words, scratch)
    if (steps.length > 0) return (await runAll(steps)) ? 0 : 1
    console.error(`No group and no test file matches: ${words.join(' ')}`)
    return 1
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

process.exitCode = await main(process.argv.slice(2))
