import { existsSync, readFileSync } from 'node:fs'
import { homedir, platform } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { errnoOf, reasonOf } from '../../base/index.ts'

/** An MCP client of this machine that has a configuration. */
export interface McpClient {
  readonly name: string
  readonly path: string
  /** Entries that start Plexus: what they run, and whether that is there. */
  readonly entries: readonly { readonly command: string; readonly isThere: boolean }[]
  readonly error?: string
}

const FILE_MAX_BYTES: number = 16 * 1024 * 1024
/** By platform, the folder in which programs keep what belongs to a user. */
const APPLICATION_DATA: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['Library', 'Application Support'],
  win32: ['AppData', 'Roaming'],
}

/** Where clients keep which servers they start, for the user as a whole. */
function places(home: string): readonly (readonly [name: string, path: string])[] {
  const data = join(home, ...(APPLICATION_DATA[platform()] ?? ['.config']))
  return [
    ['Claude Code', join(home, '.claude.json')],
    ['Claude Desktop', join(data, 'Claude', 'claude_desktop_config.json')],
    ['Cursor', join(home, '.cursor', 'mcp.json')],
    ['VS Code', join(data, 'Code', 'User', 'mcp.json')],
    ['Windsurf', join(home, '.codeium', 'windsurf', 'mcp_config.json')],
    ['Gemini CLI', join(home, '.gemini', 'settings.json')],
  ]
}

/** The clients that are configured here. Never throws: a file that cannot be read is part of the answer. */
export function findMcpClients(home: string = homedir(), path: string = process.env.PATH ?? ''): readonly McpClient[] {
  return places(home).flatMap(([name, file]) => {
    try {
      if (!existsSync(file)) return []
      const text = readFileSync(file, 'utf8').slice(0, FILE_MAX_BYTES)
      const commands = plexusCommands(JSON.parse(text))
      return [{ name, path: file, entries: commands.map((command) => ({ command, isThere: isThere(command, path) })) }]
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      // A configuration may have comments, and may be large: then we know nothing of it.
      const reason = error instanceof SyntaxError ? 'it is no plain JSON' : reasonOf(error)
      return [{ name, path: file, entries: [], error: reason }]
    }
  })
}

/** What the entries run that start Plexus: the program itself, or what an interpreter is given. */
function plexusCommands(config: unknown): readonly string[] {
  return ['mcpServers', 'servers'].flatMap((key) => {
    const servers = isObject(config) ? config[key] : undefined
    if (!isObject(servers)) return []
    return Object.values(servers).flatMap((server) => {
      if (!isObject(server) || typeof server.command !== 'string') return []
      const given = Array.isArray(server.args) ? server.args.filter((arg) => typeof arg === 'string') : []
      const words = [server.command, ...given]
      if (!words.includes('mcp') || !words.some((word) => /plexus/i.test(word))) return []
      return [given.find((word) => isAbsolute(word) && /plexus/i.test(word)) ?? server.command]
    })
  })
}

function isThere(command: string, path: string): boolean {
  if (isAbsolute(command)) return existsSync(command)
  const endings = platform() === 'win32' ? ['', '.cmd', '.exe'] : ['']
  return path.split(delimiter).some((folder) => endings.some((ending) => existsSync(join(folder, command + ending))))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
