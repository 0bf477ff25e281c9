import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PlantedBug } from './planted-bugs.ts'

export const ROOT: string = join(import.meta.dirname, '..', '..', '..')

/**
 * Plants a mistake in the product: what is imported from now on has it. The files on disk stay as they are, and the product
 * has no switch for it.
 */
export function plant({ file, text, instead, name }: PlantedBug): void {
  const target = pathToFileURL(join(ROOT, file)).href
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (url !== target || loaded.source === undefined || loaded.source === null) return loaded
      const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      const changed = source.replace(text, () => instead)
      if (changed === source) throw new Error(`the text of the planted bug ${name} is not in ${file} any more`)
      return { ...loaded, source: changed }
    },
  })
}
