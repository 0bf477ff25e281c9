import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { EXIT, exitCodeOf } from '../../../src/cli/errors.ts'
import { program } from '../../../src/cli/program.ts'
import { code, fences, pages, pageText, ROOT, rows, sections } from './markdown.ts'

const PAGE = 'docs/cli.md'
const root = program()

/** `research import` and the like, with its command; a command that only groups others is left out. */
const commands = new Map(leaves(root, []))

function leaves(command: Command, path: readonly string[]): [string, Command][] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
  return [[path.join(' '), command]]
}

/** What a command understands, as its section has to write it. */
function flagsOf(command: Command): string[] {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? `<${name}>` : `[${name}]`
  })
  return [...args, ...command.options.map((option) => option.flags)].sort()
}

function described(body: string): string[] {
  return rows(body)
    .flatMap(([first]) => code(first).slice(0, 1))
    .sort()
}

describe('docs/cli.md', () => {
  const documented = new Map(
    sections(pageText(PAGE), 3)
      .filter(({ title }) => title.startsWith('`plexus '))
      .map(({ title, body }) => [title.replaceAll('`', '').slice('plexus '.length), body]),
  )

  test('has a section for each command, and for no other', () => {
    assert.deepEqual([...documented.keys()].sort(), [...commands.keys()].sort())
  })

  for (const [path, command] of commands) {
    test(`gives the arguments and options of plexus ${path}`, () => {
      assert.deepEqual(described(documented.get(path) ?? ''), flagsOf(command))
    })
  }

  test('gives the options of every command', () => {
    const section = sections(pageText(PAGE), 2).find(({ title }) => title === 'Options of every command')
    assert.deepEqual(described(section?.body ?? ''), [...flagsOf(root), '-h, --help'].sort())
  })

  test('gives the exit codes', () => {
    const section = sections(pageText(PAGE), 2).find(({ title }) => title === 'Exit codes')
    const table = rows(section?.body ?? '').map(([first, , third]) => ({
      exit: Number(code(first)[0]),
      codes: code(third),
    }))
    assert.deepEqual(table.map(({ exit }) => exit).sort(), Object.values(EXIT).sort())
    for (const { exit, codes } of table) {
      for (const error of codes) assert.equal(exitCodeOf(error), exit, `${error} ends with ${exitCodeOf(error)}`)
    }
  })
})

describe('commands in all pages', () => {
  const scripts = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
    .scripts

  /** What is wrong with a line of a shell block, or nothing. */
  function fault(line: string): string | undefined {
    const plain = line.replace(/^\s*(?:[\w-]*\$ )?(?:[A-Z_]+=\S+ )*/, '').replace(/\s+#.*$/, '')
    const ours = plain.replace(/^npm run --silent plexus -- /, 'plexus ')
    if (ours.startsWith('plexus ')) return misuse(words(ours).slice(1))
    const script = /^npm run (?:--silent )?([\w:-]+)/.exec(plain)?.[1]
    return script === undefined || scripts[script] !== undefined ? undefined : `no npm script is called ${script}`
  }

  function misuse(given: readonly string[]): string | undefined {
    let command = root
    const rest: string[] = []
    for (const word of given) {
      const child = rest.length === 0 ? command.commands.find((candidate) => candidate.name() === word) : undefined
      if (child === undefined) rest.push(word)
      else command = child
    }
    const options = [...root.options, ...command.options]
    let values = 0
    for (let at = 0; at < rest.length; at++) {
      const word = rest[at] ?? ''
      if (!/^--?[a-z]/i.test(word)) values++
      else if (!['-h', '--help'].includes(word)) {
        const option = options.find(({ long, short }) => long === word || short === word)
        if (option === undefined) return `${command.name()} has no option ${word}`
        if (option.required) at++
      }
    }
    if (command.commands.length > 0 && values > 0) return `plexus has no command ${rest[0]}`
    const needed = command.registeredArguments.filter((argument) => argument.required).length
    const most = command.registeredArguments.some((argument) => argument.variadic)
      ? Number.POSITIVE_INFINITY
      : command.registeredArguments.length
    return values >= needed && values <= most ? undefined : `${command.name()} does not take ${values} arguments`
  }

  function words(line: string): string[] {
    return [...line.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g)].map(([word]) => word.replace(/^(["'])(.*)\1$/, '$2'))
  }

  test('the check itself knows right from wrong', () => {
    assert.equal(fault('laptop1$ PLEXUS_HOME=x plexus think "two words" --topic a   # so'), undefined)
    assert.match(fault('plexus thing') ?? '', /no command/)
    assert.match(fault('plexus think x --loud') ?? '', /no option/)
    assert.match(fault('npm run --silent plexus -- join') ?? '', /0 arguments/)
    assert.match(fault('npm run nothing') ?? '', /no npm script/)
  })

  test('exist, with these options', () => {
    const faults = pages().flatMap((page) =>
      fences(pageText(page))
        .filter(({ language }) => ['sh', 'console'].includes(language))
        .flatMap(({ language, lines }) => lines.filter(({ value }) => language === 'sh' || /^\s*[\w-]*\$ /.test(value)))
        .flatMap(({ value, line }) => {
          const reason = fault(value)
          return reason === undefined ? [] : [`${page}:${line} ${value.trim()}: ${reason}`]
        }),
    )
    assert.deepEqual(faults, [])
  })
})
