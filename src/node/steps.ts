/**
 * The steps of some long work as an async iterable, its result last; who leaves the loop aborts the work. At most a handful of
 * steps wait: they are for people.
 */
export async function* stepsOf<Step, Result>(
  signal: AbortSignal,
  work: (onStep: (step: Step) => void, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Step | Result, void> {
  const left = new AbortController()
  const waiting: (Step | Result)[] = []
  let wake = Promise.withResolvers<void>()
  let isOver = false
  const push = (step: Step | Result): void => {
    waiting.push(step)
    wake.resolve()
  }
  const running = work(push, AbortSignal.any([signal, left.signal]))
    .then(push)
    .finally(() => {
      isOver = true
      wake.resolve()
    })
  running.catch(() => undefined) // said below, to whoever still listens
  try {
    for (;;) {
      const step = waiting.shift()
      if (step !== undefined) yield step
      else if (isOver) break
      else {
        await wake.promise
        wake = Promise.withResolvers<void>()
      }
    }
    await running
  } finally {
    left.abort(new Error('no longer read'))
    await running.catch(() => undefined)
  }
}
