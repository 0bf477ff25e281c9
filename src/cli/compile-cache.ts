import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * Keeps compiled code between runs: from source, the command line answers in two thirds of the time; the daemon starts in
 * nine tenths of it. In a folder of the user's own, because Node's default lies in the shared temporary folder, where
 * somebody else may have put the code that we run.
 */
export function keepCompiledCode(): void {
  const folder = compiledCodeFolder(process.env, process.platform, homedir)
  if (folder !== undefined) enableCompileCache(folder)
}

/** `undefined` for users without a folder of their own, who do without. */
export function compiledCodeFolder(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  homeFolder: () => string,
): string | undefined {
  if (env.XDG_CACHE_HOME !== undefined && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'plexus')
  if (platform === 'win32') return env.LOCALAPPDATA === undefined ? undefined : join(env.LOCALAPPDATA, 'plexus-cache')
  try {
    const home = homeFolder()
    const caches = platform === 'darwin' ? join('Library', 'Caches') : '.cache'
    return isAbsolute(home) ? join(home, caches, 'plexus') : undefined
  } catch {
    return undefined // nobody that the system knows of
  }
}
