import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { checkSource, checkTree, type Rule } from '../../../scripts/check-layers.ts'

/** `rule@line` of each fault, warnings left out. */
function faults(file: string, source: string): string[] {
  return checkSource(file, source)
    .filter(({ warning }) => !warning)
    .map(({ rule, line }) => `${rule}@${line}`)
}

function refused(rule: Rule, file: string, source: string): void {
  assert.deepEqual(faults(file, source), [`${rule}@1`], source)
}

function accepted(file: string, source: string): void {
  assert.deepEqual(faults(file, source), [], source)
}

suite('layers', () => {
  test('a lower module may not import a higher one, whatever the form', () => {
    refused('layer', 'src/records/log.ts', "import { Bus } from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "import type { Bus } from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "import { type Bus } from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "import '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "export { Bus } from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "export * from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "export * as live from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "export type { Bus } from '../bus/index.ts'")
    refused('layer', 'src/records/log.ts', "const bus = await import('../bus/index.ts')")
    refused('layer', 'src/records/log.ts', 'const bus = await import(`../bus/index.ts`)')
    refused('layer', 'src/records/log.ts', "type Live = import('../bus/index.ts').Bus")
  })

  test('the pillars do not know each other, and domains do not know domains', () => {
    refused('layer', 'src/space/members.ts', "import { transport } from '../network/index.ts'")
    refused('layer', 'src/bus/lane.ts', "import { record } from '../records/index.ts'")
    refused('layer', 'src/research/paper.ts', "import { thought } from '../cognition/index.ts'")
    refused('layer', 'src/base/ids.ts', "import { DeviceId } from '../identity/index.ts'")
    accepted('src/sync/heads.ts', "import { lane } from '../bus/index.ts'\nimport { log } from '../records/index.ts'")
    accepted('src/learning/round.ts', "import { manifest } from '../models/index.ts'")
  })

  test('faces take values from the node and types from anywhere', () => {
    accepted('src/mcp/tools.ts', "import type { Thought } from '../cognition/index.ts'")
    accepted('src/cli/main.ts', "export type { Thought } from '../cognition/index.ts'")
    refused('layer', 'src/mcp/tools.ts', "import { thought } from '../cognition/index.ts'")
    refused('layer', 'src/mcp/tools.ts', "import { type Thought } from '../cognition/index.ts'")
    refused('door', 'src/mcp/tools.ts', "import type { Thought } from '../cognition/thought.ts'")
  })

  test('a module without a place in the table is refused', () => {
    refused('layer', 'src/gadgets/one.ts', "import { Clock } from '../base/index.ts'")
    refused('layer', 'src/node/wire.ts', "import { one } from '../gadgets/index.ts'")
  })

  test('nothing inside imports the package from outside', () => {
    refused('door', 'src/node/wire.ts', "import { bus } from 'plexus/bus'")
    refused('door', 'src/node/wire.ts', "import { listing } from '../../scripts/listing.ts'")
    refused('layer', 'src/node/wire.ts', "import { createNode } from '../index.ts'")
    accepted('src/index.ts', "export { createNode } from './node/index.ts'")
  })

  test('an import of a computed name is refused', () => {
    refused('layer', 'src/bus/lane.ts', 'const part = await import(name)')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text under test
    refused('layer', 'src/bus/lane.ts', 'const part = await import(`./${name}.ts`)')
  })
})

suite('doors', () => {
  test('another module is entered through its index.ts', () => {
    refused('door', 'src/bus/lane.ts', "import { Stream } from '../network/stream.ts'")
    refused('door', 'src/bus/adapters/wire.ts', "import { Stream } from '../../network/adapters/stream.ts'")
    accepted('src/bus/lane.ts', "import { Stream } from '../network/index.ts'")
  })

  test('inside a module files import each other directly', () => {
    accepted('src/bus/lane.ts', "import { credit } from './credit.ts'\nimport { x } from './flow/x.ts'")
    accepted('src/bus/flow/x.ts', "import { credit } from '../credit.ts'")
  })

  test('a deep import on many lines is found at its first', () => {
    const source = "\nimport {\n  type Stream, // } from './here.ts'\n  open,\n}\n  from\n  '../network/stream.ts'\n"
    assert.deepEqual(faults('src/bus/lane.ts', source), ['door@2'])
  })

  test('only the libp2p adapter knows libp2p', () => {
    refused('libp2p', 'src/network/transport.ts', "import { createLibp2p } from 'libp2p'")
    refused('libp2p', 'src/node/adapters/wire.ts', "import type { PeerId } from '@libp2p/interface'")
    refused('libp2p', 'src/network/adapters/simulated.ts', "import { multiaddr } from '@multiformats/multiaddr'")
    accepted('src/network/adapters/libp2p/open.ts', "import { createLibp2p } from 'libp2p'")
  })
})

suite('ambient', () => {
  const pure = 'src/bus/lane.ts'
  const uses = [
    'const now = Date.now()',
    "const now = Date['now']()",
    'const now = globalThis.Date.now()',
    'const clock = { now: Date.now }',
    'const at = new Date()',
    'const at = new Date',
    'const at = Date()',
    'const t = performance.now()',
    'const x = Math.random()',
    'const x = Math\n  .random()',
    'const id = crypto.randomUUID()',
    'setTimeout(() => {}, 5)',
    'return setTimeout(go, 5)',
    'const later = late ? setTimeout(go, 5) : undefined',
    'const timer = setInterval',
    'const { setTimeout } = globalThis',
    'const signal = AbortSignal.timeout(5)',
    "const page = await fetch('/')",
    "const socket = new WebSocket('ws://127.0.0.1')",
    'const home = process.env.HOME',
    "const home = process['env'].HOME",
    "const fs = process.getBuiltinModule('node:fs')",
    'const { HOME } = process.env',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text under test
    'const text = `at ${Date.now()}`',
  ]
  for (const source of uses) test(`refused: ${source}`, () => refused('ambient', pure, source))

  const imports = [
    "import { readFileSync } from 'node:fs'",
    "import fs from 'fs'",
    "import { open } from 'fs/promises'",
    "import net from 'node:net'",
    "import os from 'node:os'",
    "import { spawn } from 'node:child_process'",
    "import { Worker } from 'node:worker_threads'",
    "import { DatabaseSync } from 'node:sqlite'",
    "import { setTimeout } from 'node:timers/promises'",
    "import process from 'node:process'",
    "const fs = await import('node:fs')",
    "const fs = require('node:fs')",
    "export { readFile } from 'node:fs/promises'",
    "import { createHash, randomUUID as id } from 'node:crypto'",
    "import { generateKeyPairSync } from 'node:crypto'",
    "import * as crypto from 'node:crypto'",
    "import crypto from 'node:crypto'",
  ]
  for (const source of imports) test(`refused: ${source}`, () => refused('ambient', pure, source))

  const innocent = [
    "import { createHash, sign, verify, timingSafeEqual } from 'node:crypto'",
    "import type { Stats } from 'node:fs'",
    "import { EventEmitter } from 'node:events'",
    'const at = new Date(ms)',
    'const at: Date = parse(text)',
    'const now = clock.now()',
    'clock.setTimeout(go, 5)',
    'this.#setTimeout(go, 5)',
    'interface Clock {\n  now(): number\n  setTimeout(go: () => void, ms: number): Disposable\n}',
    'class Virtual {\n  setTimeout(go: () => void): Disposable {\n    return this.add(go)\n  }\n}',
    'const clock = { setTimeout: go, fetch(url: string) { return url } }',
    'type Timer = ReturnType<typeof setTimeout>',
    'clearTimeout(timer)',
    'queueMicrotask(go)',
    'const performance = measure()\nperformance.now()',
    'import { fetch } from "./tool.ts"\nfetch()',
    'const tool = tools.fetch(id)',
    'research.import(file)',
    'class Shelf {\n  async import(file: string): Promise<void> {\n    await this.read(file)\n  }\n}',
    'const base = import.meta.url',
    'const percentage = process.length / 2',
  ]
  for (const source of innocent) test(`accepted: ${source}`, () => accepted(pure, source))

  test('adapters and the command line may touch the world', () => {
    const source = "import { readFileSync } from 'node:fs'\nsetTimeout(go, Date.now())"
    for (const file of ['src/bus/adapters/wire.ts', 'src/network/adapters/libp2p/open.ts', 'src/cli/main.ts']) {
      accepted(file, source)
    }
    assert.equal(faults('src/mcp/tools.ts', source).length, 3)
    assert.equal(faults('src/adapters.ts', source).length, 3)
  })
})

suite('text that is not code', () => {
  const file = 'src/bus/lane.ts'
  const sources = [
    "// import { x } from '../space/index.ts'",
    "/* import fs from 'node:fs'\n Date.now() */",
    "/** @example import { x } from '../node/index.ts' */",
    'const text = "import fs from \'node:fs\'; Date.now()"',
    "const text = 'it\\'s Date.now()'",
    "const text = `\n  import fs from 'node:fs'\n  Date.now()\n`",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text under test
    'const text = `a ${b ? `Date.now() ${c}` : {}} Math.random()`',
    'const pattern = /Date.now()|[/"]Math.random()/u',
    'if (x) /Math.random()/.test(y)',
    'const half = a / 2 // Date.now() /',
  ]
  for (const source of sources) test(`not flagged: ${source}`, () => accepted(file, source))

  test('what follows it still is code', () => {
    const after = [
      'const quote = /[\'"`]/\nDate.now()',
      "const half = (a + b) / 2; const q = '/'\nDate.now()",
      "const url = 'http://x' // it's\nDate.now()",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text under test
      'const text = `${a}/${{ b: "}" }.b}`\nDate.now()',
      'const more = x! / y; z++ / 2\nDate.now()',
      'const range = 1..toFixed() + .5e-3 + 0x_f\nDate.now()',
    ]
    for (const source of after) assert.deepEqual(faults(file, source), ['ambient@2'], source)
  })

  test('an unfinished comment, string or template ends with the file', () => {
    for (const source of ['/* Date.now()', "const x = 'Date", 'const x = `Date.now()', 'const x = `$'])
      accepted(file, source)
  })
})

suite('names, length and the tree', () => {
  test('names that say nothing are refused, in every folder', () => {
    refused('name', 'src/bus/utils.ts', '')
    refused('name', 'src/bus/string-utils.ts', '')
    refused('name', 'src/bus/connection-manager.ts', '')
    refused('name', 'src/common/ids.ts', '')
    refused('name', 'test/unit/bus/helpers.ts', '')
    accepted('src/bus/commons-licence.ts', '')
  })

  test('a long file is mentioned, not refused', () => {
    const [finding, ...more] = checkSource('src/bus/lane.ts', '\n'.repeat(401))
    assert.deepEqual([finding?.rule, finding?.warning, more], ['length', true, []])
    assert.deepEqual(checkSource('src/bus/lane.ts', '\n'.repeat(400)), [])
  })

  test('a checkout is walked, sorted by file', () => {
    const root = mkdtempSync(join(tmpdir(), 'layers-'))
    try {
      for (const folder of ['src/bus/adapters', 'test/unit', 'dist/bus'])
        mkdirSync(join(root, folder), { recursive: true })
      writeFileSync(join(root, 'src/bus/lane.ts'), 'const x = 1\nDate.now()\n')
      writeFileSync(join(root, 'src/bus/adapters/clock.ts'), 'Date.now()\n')
      writeFileSync(join(root, 'test/unit/utils.ts'), 'Date.now()\n')
      writeFileSync(join(root, 'dist/bus/utils.js'), '')
      const found = checkTree(root).map(({ file, line, rule }) => `${file}:${line} ${rule}`)
      assert.deepEqual(found, ['src/bus/lane.ts:2 ambient', 'test/unit/utils.ts:1 name'])
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})
