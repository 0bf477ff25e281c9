#!/usr/bin/env node
/**
 * The `plexus` command of the installed package. Plain JavaScript that an old Node can read: with Node 24 or newer it
 * loads the command line at once; with an older one it starts the Node that came along as a package and gets out of the way.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
const EXIT_USAGE = 2
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

const main = new URL('../dist/cli/main.js', import.meta.url)

if (!existsSync(main)) {
  refuse('This checkout is not built. Run: npm run build (or, without a build: npm run --silent plexus -- ARGS)')
} else if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) {
  await import(main.href)
} else {
  const node = bundledNode()
  if (node !== undefined) await runOn(node)
  else
    refuse(
      `Plexus needs Node ${NODE_MAJOR} or newer; this is ${process.version}. Install it from nodejs.org and try again.`,
    )
}

function refuse(sentence) {
  process.stderr.write(`plexus: ${sentence}\n`)
  process.exitCode = EXIT_USAGE
}

/** The binary inside the optional package for this system, if npm installed it. */
function bundledNode() {
  const windows = process.platform === 'win32'
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    const node = join(folder, 'bin', windows ? 'node.exe' : 'node')
    return existsSync(node) ? node : undefined
  } catch {
    return undefined // no such package for this system
  }
}

/** Runs the command line on another Node: same streams, same signals, same end. */
async function runOn(node) {
  const { spawn } = await import('node:child_process')
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both of us; passing it on as well would count as a second one.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !terminal) child.kill(signal)
    })
  }
  child.on('error', (error) => refuse(`${node} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    for (const name of SIGNALS) process.removeAllListeners(name)
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}
