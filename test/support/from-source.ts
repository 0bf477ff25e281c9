/** Preloaded with `--import`: resolves `plexus` and `plexus/...` to the sources, so that examples run without a build. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, next) => {
    const [, module] = /^plexus(?:\/([a-z]+))?$/.exec(specifier) ?? []
    if (specifier !== 'plexus' && module === undefined) return next(specifier, context)
    const path = module === undefined ? '../../src/index.ts' : `../../src/${module}/index.ts`
    return next(new URL(path, import.meta.url).href, context)
  },
})
