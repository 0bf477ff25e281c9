import {
  type CallToolResult,
  CLIENT_INFO_META_KEY,
  type McpServer,
  type ServerContext,
  type ToolAnnotations,
  TRACEPARENT_META_KEY,
} from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { type Caller, codeOf, PlexusError, type Random } from '../base/index.ts'
import type { PlexusNode } from '../node/index.ts'
import { plainText } from './quotation.ts'

/** What every tool works with during one call. */
export interface ToolContext {
  readonly node: PlexusNode
  readonly random: Random
  /** Runs an operation of the node as this caller; its progress goes to the client that asked for it. */
  call<T>(operation: string, input: unknown): Promise<T>
}

export interface ToolAnswer {
  readonly text: string
  /** The same facts for programs; checked against the tool's output schema. */
  readonly data: Readonly<Record<string, unknown>>
}

export interface Tool<Input extends z.ZodType = z.ZodType> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: Input
  readonly output: z.ZodType
  readonly annotations: ToolAnnotations
  run(input: z.output<Input>, context: ToolContext): Promise<ToolAnswer>
}

/** Keeps the input type while the list of tools forgets it. */
export function tool<Input extends z.ZodType>(of: Tool<Input>): Tool {
  return of as unknown as Tool
}

export const READ_ONLY: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
}
export const READS_PEERS: ToolAnnotations = { ...READ_ONLY, openWorldHint: true }
export const ADDS: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: true,
}

export function registerTool(
  server: McpServer,
  of: Tool,
  components: { readonly node: PlexusNode; readonly random: Random },
): void {
  const { node, random } = components
  const { title, description, input, output, annotations } = of
  server.registerTool(
    of.name,
    { title, description, inputSchema: input, outputSchema: output, annotations: { title, ...annotations } },
    async (args, context): Promise<CallToolResult> => {
      try {
        const answer = await of.run(args, { node, random, call: caller(node, server, context) })
        return { content: [{ type: 'text', text: answer.text }], structuredContent: { ...answer.data } }
      } catch (error) {
        if (!(error instanceof PlexusError)) throw error
        return failure(error)
      }
    },
  )
}

/** An error the model can act on: what was wrong, and the next thing to try. */
function failure(error: PlexusError): CallToolResult {
  const fix = error.fix === undefined ? '' : `\nTry: ${plainText(error.fix)}`
  return { isError: true, content: [{ type: 'text', text: `${plainText(error.message)} (${codeOf(error)})${fix}` }] }
}

function caller(node: PlexusNode, server: McpServer, context: ServerContext): ToolContext['call'] {
  const { signal, _meta, notify } = context.mcpReq
  const progressToken = _meta?.progressToken
  return async <T>(operation: string, input: unknown) =>
    (await node.call(operation, input, {
      caller: callerOf(server, context),
      signal,
      trace: traceOf(context),
      progress: ({ done, total, message }) => {
        if (progressToken === undefined) return
        const params = {
          progressToken,
          progress: done,
          ...(total === undefined ? {} : { total }),
          ...(message === undefined ? {} : { message }),
        }
        // Progress is a courtesy: a client that has gone does not fail the work.
        notify({ method: 'notifications/progress', params }).catch(() => undefined)
      },
    })) as T
}

/** The trace that the call belongs to: of its `_meta`, in either era, or of the HTTP request that brought it. */
function traceOf({ mcpReq, http }: ServerContext): string | undefined {
  const inRequest: unknown = mcpReq._meta?.[TRACEPARENT_META_KEY]
  if (typeof inRequest === 'string') return inRequest
  return http?.req?.headers.get('traceparent') ?? undefined
}

/** How the client names itself: in each request since 2026-07-28, at `initialize` before. */
function callerOf(server: McpServer, context: ServerContext): Caller {
  const envelope: Readonly<Record<string, unknown>> = context.mcpReq.envelope ?? {}
  const inRequest = envelope[CLIENT_INFO_META_KEY] as { readonly name?: string } | undefined
  const name = inRequest?.name ?? server.server.getClientVersion()?.name ?? 'mcp'
  return { kind: 'agent', client: name.slice(0, 64) }
}
