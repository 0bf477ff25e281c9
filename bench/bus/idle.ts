import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DAEMON_NODE_FLAGS } from '../../src/control/index.ts'
import type { Section } from './section.ts'

const ROOT = join(import.meta.dirname, '../..')
const MORE_MIB = 90
const CPU_PERCENT = 1

interface IdleReport {
  /** After a collection. */
  readonly rssMiB: number
  /** Before it: much of it is garbage of the start that V8 sees no reason to collect yet. */
  readonly uncollectedMiB: number
  readonly cpuPercent: number
}

/** A whole peer that has nothing to do, as `createNode` makes it and with the flags of our daemon, beside a Node process that has nothing to do. */
export const idle: Section = {
  name: 'idle',
  open: async () => {
    const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { stdio: ['ignore', 2, 2] })
    if (built.status !== 0) throw new Error('the build failed')
    return async () => {
      const [bare, peer] = await Promise.all([report('bare'), report('peer')])
      return {
        'bare rss': bare.rssMiB,
        rss: peer.rssMiB,
        more: peer.rssMiB - bare.rssMiB,
        'bare uncollected': bare.uncollectedMiB,
        uncollected: peer.uncollectedMiB,
        cpu: peer.cpuPercent,
      }
    }
  },
  figures: (rounds) => [
    {
      ...rounds.figure({ name: 'idle peer, memory / bare Node', unit: 'MiB RSS', of: 'rss', against: 'bare rss' }),
      aim: `at most ${MORE_MIB} MiB more`,
      met: rounds.median('more') <= MORE_MIB,
    },
    rounds.figure({
      name: 'idle peer, memory before a collection / bare Node',
      unit: 'MiB RSS',
      of: 'uncollected',
      against: 'bare uncollected',
    }),
    {
      ...rounds.figure({ name: 'idle peer, CPU', unit: '%', of: 'cpu' }),
      aim: `less than ${CPU_PERCENT} %`,
      met: rounds.median('cpu') < CPU_PERCENT,
    },
  ],
}

async function report(kind: 'bare' | 'peer'): Promise<IdleReport> {
  const child = fork(new URL('./idle-process.js', import.meta.url), [kind], {
    execArgv: kind === 'peer' ? [...DAEMON_NODE_FLAGS, '--expose-gc'] : ['--expose-gc'],
  })
  const [measured] = (await once(child, 'message')) as [IdleReport]
  const exited = once(child, 'exit')
  child.disconnect()
  await exited
  return measured
}
