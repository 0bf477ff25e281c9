import { PlexusError } from '../base/index.ts'
import type { Bus, Handlers, MessageHandler, Responder } from '../bus/index.ts'

/** Every topic of every space: `space/<id>/...`. */
const SPACE_TOPICS = 'space/**'

type OnFailure = (kind: string, error: unknown) => void

/**
 * Leads what arrives on the bus to the component that handles its kind, until disposed. A handler that throws is reported
 * and costs its message only; so is a responder that throws anything but a `PlexusError`, which is an answer. All kinds or none
 * are registered: throws `ERR_KIND_TAKEN`, `ERR_KIND_INVALID`.
 */
export function route(bus: Bus, handlers: Handlers, onFailure: OnFailure): Disposable {
  const { published = {}, sent = {}, requested = {} } = handlers
  using routes = new DisposableStack()
  const byKind = new Map(Object.entries(published))
  if (byKind.size > 0) {
    const handler: MessageHandler = (message) => byKind.get(message.kind)?.(message)
    routes.use(bus.subscribe(SPACE_TOPICS, { kinds: [...byKind.keys()] }, guarded(handler, onFailure)))
  }
  for (const [kind, handler] of Object.entries(sent)) routes.use(bus.receive(kind, guarded(handler, onFailure)))
  for (const [kind, responder] of Object.entries(requested)) {
    routes.use(bus.respond(kind, guardedResponder(kind, responder, onFailure)))
  }
  return routes.move()
}

function guarded(handler: MessageHandler, onFailure: OnFailure): MessageHandler {
  return (message) => {
    const fail = (error: unknown): void => onFailure(message.kind, error)
    try {
      const settled = handler(message)
      return settled instanceof Promise ? settled.catch(fail) : undefined
    } catch (error) {
      return fail(error)
    }
  }
}

function guardedResponder(kind: string, responder: Responder, onFailure: OnFailure): Responder {
  const rethrow = (error: unknown): never => {
    if (!(error instanceof PlexusError)) onFailure(kind, error)
    throw error
  }
  return (body, context) => {
    try {
      const answer = responder(body, context)
      return Symbol.asyncIterator in answer ? watched(answer, rethrow) : answer.catch(rethrow)
    } catch (error) {
      return rethrow(error)
    }
  }
}

async function* watched(
  parts: AsyncIterable<Uint8Array>,
  rethrow: (error: unknown) => never,
): AsyncGenerator<Uint8Array> {
  try {
    yield* parts
  } catch (error) {
    rethrow(error)
  }
}
