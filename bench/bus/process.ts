/** A process of a benchmark: does what the one that started it says, and ends with it. */
import { reasonOf } from '../../src/base/index.ts'
import { Side } from './side.ts'
import type { Answer, Command } from './worker.ts'

const tell = (answer: Answer): void => void process.send?.(answer)
const side = new Side((heard) => tell({ heard }))

process.on('message', (command: Command) => {
  const { id } = command
  const outcome = run(command)
  if (id === undefined) return
  outcome.then(
    (value) => tell({ id, value }),
    (error: unknown) => tell({ id, error: reasonOf(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

async function run({ method, args }: Command): Promise<unknown> {
  return await Reflect.apply(side[method], side, args)
}
