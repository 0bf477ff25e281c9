/** Preloaded with `--import`: writes a line to stderr for every module that the process loads. */
import { registerHooks } from 'node:module'

registerHooks({
  load: (url, context, next) => {
    process.stderr.write(`import ${url}\n`)
    return next(url, context)
  },
})
