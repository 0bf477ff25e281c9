import { type Clock, type Logger, type Random, startSpan } from '../base/index.ts'
import type { RequestContext, Responder } from './types.ts'

/**
 * A responder that answers requests with a trace under a span of their own, and says in the log that it did; what it asks
 * of others with `context.trace` continues the trace. Requests without a trace pass as they are.
 */
export function tracedResponder(
  kind: string,
  responder: Responder,
  components: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
): Responder {
  const { clock, random, log } = components
  return (body, context) => {
    if (context.trace === '') return responder(body, context)
    const { traceId, spanId, parentSpanId, traceparent } = startSpan(random, context.trace)
    const begun = clock.monotonic()
    const onEnd = (): void => {
      const elapsedMs = Math.round(clock.monotonic() - begun)
      log.debug({ traceId, spanId, parentSpanId, peer: context.from, kind, elapsedMs }, 'answered a request')
    }
    const answer = responder(body, new Traced(context, traceparent))
    if (Symbol.asyncIterator in answer) return endOf(answer, onEnd)
    return answer.finally(onEnd)
  }
}

/** The same request under another span. Its signal is made only when somebody asks for it. */
class Traced implements RequestContext {
  readonly trace: string
  readonly #context: RequestContext

  constructor(context: RequestContext, trace: string) {
    this.#context = context
    this.trace = trace
  }

  get from(): RequestContext['from'] {
    return this.#context.from
  }

  get signal(): AbortSignal {
    return this.#context.signal
  }
}

async function* endOf(parts: AsyncIterable<Uint8Array>, onEnd: () => void): AsyncGenerator<Uint8Array, void> {
  try {
    yield* parts
  } finally {
    onEnd()
  }
}
