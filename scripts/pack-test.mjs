/**
 * The package as its users get it: built, packed, linted, installed into an empty folder, type-checked, imported and run
 * there. The tests build on each other, so they run in order and the rest is skipped once one fails.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const subpaths = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'))
const nameOf = (subpath) => `plexus${subpath.slice(1)}`

/** PATH as the user has it: npm puts folders of packages in front when it runs a script. */
const systemPath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes(`${sep}node_modules${sep}`))
  .join(delimiter)

/** Runs a command and returns all it printed; fails the test if the command failed. */
function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options })
  const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${said}`)
  return said.trim()
}

function npm(args, cwd) {
  const { npm_execpath: script, npm_node_execpath: node = process.execPath } = process.env
  return script === undefined ? run('npm', args, { cwd }) : run(node, [script, ...args], { cwd })
}

suite('the package', () => {
  let folder = ''
  let tarball = ''
  let stopped = ''
  const consumer = () => join(folder, 'consumer')

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pack-'))
    mkdirSync(consumer())
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** The body may return why the steps after it cannot run. */
  function step(name, body) {
    test(name, (context) => {
      if (stopped !== '') return context.skip(stopped)
      stopped = 'an earlier step failed'
      stopped = body(context) ?? ''
    })
  }

  step('builds', () => {
    run(process.execPath, [join(root, 'scripts', 'build.mjs')])
  })

  step('packs what it needs and nothing else', () => {
    npm(['pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${folder}`], root)
    tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
    const files = run('tar', ['-tzf', tarball]).split('\n')
    assert.ok(files.includes('package/bin/plexus.js'))
    const strange = files.filter(
      (file) => !/^package\/(bin\/plexus\.js|dist\/.+\.(js|d\.ts)|[A-Z-]+(\.md)?|package\.json)$/.test(file),
    )
    assert.deepEqual(strange, [])
  })

  step('is clean by publint', () => {
    run(process.execPath, [join(root, 'node_modules', 'publint', 'src', 'cli.js'), 'run', tarball, '--strict'])
  })

  step('installs into an empty folder, without install scripts', (context) => {
    writeFileSync(join(consumer(), 'package.json'), '{ "private": true, "type": "module" }\n')
    const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    try {
      npm(['install', ...flags, tarball], consumer())
    } catch (error) {
      const offline = /code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED)/.exec(error.message)
      if (offline === null || process.env.CI !== undefined) throw error
      const reason = `the npm registry cannot be reached (${offline[1]})`
      context.skip(reason)
      return reason
    }
    return undefined
  })

  step('has types that another project can use', () => {
    const imports = subpaths.map((path, index) => `import * as part${index} from '${nameOf(path)}'`)
    const uses = [
      `export const parts: object[] = [${subpaths.map((_, index) => `part${index}`).join(', ')}]`,
      "import { createNode } from 'plexus'",
      'export const open: (...args: never[]) => unknown = createNode',
    ]
    writeFileSync(join(consumer(), 'consumer.ts'), `${[...imports, ...uses].join('\n')}\n`)
    const compilerOptions = {
      module: 'nodenext',
      target: 'esnext',
      lib: ['esnext'],
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    }
    writeFileSync(join(consumer(), 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: consumer(), encoding: 'utf8' })
    // Our own declarations are read in full; what dependencies declare is theirs to answer for.
    const ours = stdout.split('\n').filter((line) => /^(consumer\.ts|node_modules\/plexus\/)/.test(line))
    assert.deepEqual(ours, [])
  })

  step('can be imported, each part by itself', () => {
    for (const path of subpaths) {
      run(process.execPath, ['--input-type=module', '--eval', `await import('${nameOf(path)}')`], { cwd: consumer() })
    }
  })

  step('runs on the Node that the system has', () => {
    const env = { ...process.env, PATH: systemPath }
    const command = join(consumer(), 'node_modules', '.bin', process.platform === 'win32' ? 'plexus.cmd' : 'plexus')
    const said = run(command, ['--version'], { cwd: consumer(), env, shell: process.platform === 'win32' })
    assert.ok(said.includes(manifest.version), said)
  })
})
