import { type Clock, codeOf, type Logger, type OperationContext, type Random, startSpan } from '../base/index.ts'

/**
 * Runs one call of an operation as a span: of the trace that its caller brought, or of a new one. The log says how it went,
 * with the id of the trace, so that one cause can be followed over all peers.
 */
export async function traced<T>(
  components: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
  operation: string,
  context: OperationContext,
  run: (context: OperationContext) => Promise<T>,
): Promise<T> {
  const { clock, random, log } = components
  const { traceId, spanId, parentSpanId, traceparent } = startSpan(random, context.trace)
  if (context.trace && parentSpanId === undefined)
    log.debug({ traceId, operation }, 'a trace that is none was left out')
  const begun = clock.monotonic()
  let outcome = 'ok'
  try {
    return await run({ ...context, trace: traceparent })
  } catch (error) {
    outcome = codeOf(error)
    throw error
  } finally {
    const elapsedMs = Math.round(clock.monotonic() - begun)
    const { client } = context.caller
    log.debug({ traceId, spanId, parentSpanId, operation, client, outcome, elapsedMs }, 'an operation was called')
  }
}
