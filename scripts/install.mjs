/**
 * Brings the packages of package-lock.json, and with them the pinned Node, before any npm script runs.
 *
 * Plain JavaScript without dependencies: this is the one file that the system's own Node (18 or newer) must be able to
 * run. When everything is in place it reads two files, prints nothing and ends; all it ever says goes to stderr.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join, sep } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
const LOCK_POLL_MS = 250
const LOCK_TOUCH_MS = 1000
const LOCK_STALE_MS = 30_000
const PROGRESS_MS = 5000
/** With failures only for as long as npm pauses between tries, the registry is out of reach; npm would go on for minutes. */
const NO_ANSWER_MS = Number(process.env.npm_config_fetch_retry_maxtimeout ?? 8000)
/** Enough of npm's output to find the cause of a failure in it. */
const OUTPUT_TAIL_CHARS = 64_000

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.plexus-install.json')
const lockFolder = join(root, '.install-lock')
const windows = process.platform === 'win32'
const bundledNode = join(modules, '.bin', windows ? 'node.cmd' : 'node')

const say = (line) => process.stderr.write(`${line}\n`)

/** Ends the run with one sentence on what is wrong and one on what to do. */
class InstallError extends Error {
  constructor(message, fix) {
    super(message)
    this.fix = fix
  }
}

async function main() {
  const wanted = fingerprint()
  if (isReady(wanted)) return
  const release = await acquireLock(() => isReady(wanted))
  if (release === undefined) return
  try {
    if (!isInstalled()) await install()
    checkNode()
    writeFileSync(stampFile, `${JSON.stringify({ fingerprint: wanted })}\n`)
  } finally {
    release()
  }
}

/** Changes whenever another set of packages would have to be installed. */
function fingerprint() {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'))
  return createHash('sha256')
    .update(read('package-lock.json'))
    .update(JSON.stringify([dependencies, devDependencies, optionalDependencies, process.platform, process.arch]))
    .digest('hex')
}

function read(name) {
  try {
    return readFileSync(join(root, name), 'utf8')
  } catch (cause) {
    throw new InstallError(`${name} cannot be read (${cause.code}).`, `Get the file back: git checkout -- ${name}`)
  }
}

function isReady(wanted) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    return stamp.fingerprint === wanted && (existsSync(bundledNode) || major(process.versions.node) >= NODE_MAJOR)
  } catch {
    return false // no stamp, or half of one: install
  }
}

/** True if someone ran `npm ci` or `npm install` by hand: npm's own list then holds all that the lockfile asks for. */
function isInstalled() {
  try {
    const present = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages
    const { '': _root, ...asked } = JSON.parse(read('package-lock.json')).packages
    return Object.entries(asked).every(([path, entry]) =>
      present[path] === undefined ? mayBeMissing(entry) : present[path].version === entry.version,
    )
  } catch {
    return false
  }
}

/** Optional packages may be missing, except those made for this very system and processor. */
function mayBeMissing({ optional = false, os = [], cpu = [], libc }) {
  return optional && !([os].flat().includes(process.platform) && [cpu].flat().includes(process.arch) && !libc)
}

async function install() {
  const reason = existsSync(join(modules, '.package-lock.json'))
    ? 'The packages do not match the lockfile'
    : 'First run'
  say(`${reason}: installing packages and Node ${NODE_MAJOR} (npm ci, half a minute or so)`)
  const started = performance.now()
  const seconds = () => Math.round((performance.now() - started) / 1000)
  const npm = new NpmOutput()
  const progress = setInterval(() => say(`  ${seconds()} s, ${npm.fetched} downloads`), PROGRESS_MS)
  try {
    const status = await npmCi(npm)
    if (status !== 0) throw explain(npm, status)
  } finally {
    clearInterval(progress)
  }
  say(`Installed in ${seconds()} s`)
}

/** Shows what npm has to say, without its log of downloads; that one only tells whether the registry answers. */
class NpmOutput {
  text = ''
  fetched = 0
  unreachable = ''
  #rest = ''
  #failingSince = 0

  /** True if it is time to give up: nothing has come from the registry, and failures go on. */
  add(chunk) {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop()
    for (const line of lines) this.#addLine(line)
    return this.unreachable !== '' && this.fetched === 0 && performance.now() - this.#failingSince >= NO_ANSWER_MS
  }

  #addLine(line) {
    const failed = / attempt \d+ failed with (\w+)$/.exec(line)
    if (line.startsWith('npm http') && failed) {
      if (this.unreachable === '') this.#failingSince = performance.now()
      this.unreachable = failed[1].replace(/^\d/, 'E$&')
    } else if (line.startsWith('npm http')) {
      this.fetched++
    } else if (line !== '' && !/^npm (warn|notice|info)\b/i.test(line)) {
      say(line)
      this.text = `${this.text}${line}\n`.slice(-OUTPUT_TAIL_CHARS)
    }
  }
}

/** Runs `npm ci` with the npm, and the Node, that called us, and resolves with its exit code. */
function npmCi(output) {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=http']
  args.push('--include=dev', '--include=optional')
  const npm = process.env.npm_execpath ?? ''
  const child = /^npm-cli\.[cm]?js$/.test(basename(npm))
    ? spawn(outsideNode(), [npm, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: windows })
  // npm gets a terminal's Ctrl-C by itself and ends; waiting for it keeps the lock until node_modules is at rest.
  let interrupted = null
  const onSignal = (signal) => {
    interrupted = signal
    child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, onSignal)
  return new Promise((resolve, reject) => {
    const collect = (chunk) => {
      if (output.add(chunk)) child.kill()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (cause) =>
      reject(new InstallError(`npm could not be started (${cause.message}).`, 'Install npm, or put it on PATH.')),
    )
    child.on('close', (status) => {
      for (const name of signals) process.off(name, onSignal)
      if (interrupted === null) resolve(status ?? 1)
      else reject(new InstallError(`The installation was interrupted (${interrupted}).`, 'Run the command again.'))
    })
  })
}

/** `npm ci` deletes node_modules first, so it must not run on the Node that lives in there. */
function outsideNode() {
  const inside = (path) => path.startsWith(modules + sep)
  return [process.env.npm_node_execpath, process.execPath].find((path) => path && !inside(path)) ?? process.execPath
}

const CAUSES = [
  [
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ENETDOWN|EPIPE|ERR_SOCKET_TIMEOUT|FETCH_ERROR|E429|E5\d\d)\b/,
    (code) =>
      `The npm registry cannot be reached (${code}): this machine is offline, or a proxy or firewall is in the way.`,
    'Connect, or set the registry and proxy that your network wants (npm config set registry URL, HTTPS_PROXY), and run the command again. Once installed, Plexus works offline.',
  ],
  [
    /\b(UNABLE_TO_\w+|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_HAS_EXPIRED)\b/,
    (code) => `The npm registry's certificate is not accepted (${code}).`,
    'Behind a company proxy, point NODE_EXTRA_CA_CERTS (or npm config set cafile) at its certificate.',
  ],
  [/\b(ENOSPC|EDQUOT)\b/, (code) => `The disk is full (${code}).`, 'Free about 500 MB and run the command again.'],
  [
    /\b(EACCES|EPERM|EROFS)\b/,
    (code) => `npm may not write here (${code}).`,
    'Make this folder and the npm cache (npm config get cache) yours and writable, and run the command again.',
  ],
  [
    /\b(EUSAGE)\b/,
    () => 'package.json and package-lock.json do not fit together.',
    'If you changed a dependency, run npm install and commit both files; otherwise: git checkout -- package.json package-lock.json',
  ],
  [
    /\b(EINTEGRITY)\b/,
    () => 'A downloaded package does not have the hash that package-lock.json demands (EINTEGRITY).',
    'Run npm cache clean --force and try again. If it stays, do not trust the registry or proxy in use.',
  ],
  [
    /\b(E404|ETARGET|E401|E403)\b/,
    (code) => `The npm registry in use does not hand out a package that package-lock.json names (${code}).`,
    'Look at npm config get registry: it must mirror the public npm registry.',
  ],
]

/** npm names the cause on a line of its own; failing that, whatever error code its output holds. */
function explain({ text, fetched, unreachable }, status) {
  const named = [...text.matchAll(/^npm (?:error|ERR!) code (\w+)$/gm)].map((match) => match[1]).join(' ')
  const silent = fetched === 0 ? unreachable : ''
  const unknown = new InstallError(`npm ci failed (exit code ${status}), as it says above.`, 'Try npm ci by itself.')
  return causeOf(named) ?? causeOf(silent) ?? causeOf(text) ?? unknown
}

function causeOf(text) {
  for (const [pattern, message, fix] of CAUSES) {
    const found = pattern.exec(text)
    if (found) return new InstallError(message(found[1]), fix)
  }
  return undefined
}

function unexpected(error) {
  return new InstallError(`The installation failed: ${error.message}`, 'Remove node_modules and run the command again.')
}

/** npm scripts run on the first `node` of PATH, with node_modules/.bin in front. It must be new enough. */
function checkNode() {
  if (existsSync(bundledNode)) {
    const version = versionOf(bundledNode)
    if (major(version) >= NODE_MAJOR) return
    rmSync(bundledNode) // it cannot run here (another libc, say), so it must not stand in front of one that can
  }
  const version = versionOf('node')
  if (major(version) >= NODE_MAJOR) return
  throw new InstallError(
    `Plexus needs Node ${NODE_MAJOR} or newer; this machine has ${version || 'none'}, and for ${process.platform}-${process.arch} no Node comes as a package that runs here.`,
    `Install Node ${NODE_MAJOR} (nodejs.org, or your version manager) and run the command again.`,
  )
}

function versionOf(node) {
  const command = windows ? `"${node}"` : node
  return (spawnSync(command, ['--version'], { encoding: 'utf8', shell: windows }).stdout ?? '').trim()
}

const major = (version) => Number.parseInt(version.replace(/^v/, ''), 10) || 0

/**
 * A folder that only one process can rename into place, holding who it is. It is left behind by a process that died, and
 * then taken over: the owner's pid is gone, or nobody touched it for LOCK_STALE_MS of our own waiting (a pid may be reused).
 * Resolves with the function that gives it back, or with undefined if `done()` came true meanwhile.
 */
async function acquireLock(done) {
  const owner = `${hostname()} ${process.pid} ${Date.now()}`
  let seen = ''
  let seenAt = 0
  for (let first = true; ; first = false) {
    if (tryLock(owner)) return holdLock(owner)
    const { holder, touched } = readLock()
    if (seen !== `${holder} ${touched}`) {
      seen = `${holder} ${touched}`
      seenAt = performance.now()
    }
    if (isDead(holder) || performance.now() - seenAt > LOCK_STALE_MS) {
      breakLock(holder)
      continue
    }
    if (first) say(`Another run is installing (${holder.split(' ').slice(0, 2).join(', process ')}); waiting for it`)
    await delay(LOCK_POLL_MS)
    if (done()) return undefined
  }
}

function tryLock(owner) {
  const draft = `${lockFolder}.${process.pid}`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft)
  writeFileSync(join(draft, 'owner'), owner)
  try {
    renameSync(draft, lockFolder) // fails if the folder is there and not empty
    return true
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(error.code) && existsSync(lockFolder)) return false
    throw error
  }
}

function holdLock(owner) {
  const file = join(lockFolder, 'owner')
  const touch = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date())
    } catch {
      clearInterval(touch) // someone broke the lock; installing goes on, as stopping halfway would be worse
    }
  }, LOCK_TOUCH_MS)
  return () => {
    clearInterval(touch)
    if (readLock().holder === owner) breakLock(owner)
  }
}

function readLock() {
  try {
    const file = join(lockFolder, 'owner')
    return { holder: readFileSync(file, 'utf8'), touched: statSync(file).mtimeMs }
  } catch {
    return { holder: '', touched: 0 } // just given back, or not readable: waiting or time tells
  }
}

function isDead(holder) {
  const [host, pid] = holder.split(' ')
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Moves the lock away before deleting it, and puts it back if it turns out to be another one than was judged. */
function breakLock(holder) {
  const aside = `${lockFolder}.${process.pid}.old`
  try {
    renameSync(lockFolder, aside)
    if (readFileSync(join(aside, 'owner'), 'utf8') !== holder) renameSync(aside, lockFolder)
  } catch {
    // another process was faster: the next look at the lock decides
  }
  rmSync(aside, { recursive: true, force: true })
}

try {
  await main()
} catch (error) {
  const { message, fix } = error instanceof InstallError ? error : (causeOf(String(error.code)) ?? unexpected(error))
  say(`\nPlexus could not be installed. ${message}\nFix: ${fix}`)
  process.exitCode = 1
}
