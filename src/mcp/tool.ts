import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { codeOf, type OperationContext, PlexusError, type Random } from '../base/index.ts'
import type { PlexusPeer } from './peer.ts'
import { plainText } from './quotation.ts'

/** What every tool works with during one call. */
export interface ToolContext {
  readonly random: Random
  /** Runs an operation of the peer as this caller; its progress goes to the client that asked for it. */
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

/** Runs a tool for a model. Whatever Plexus refuses or cannot do is an answer that says what to try next. */
export async function callTool(
  of: Tool,
  input: unknown,
  components: { readonly peer: Pick<PlexusPeer, 'call'>; readonly random: Random; readonly context: OperationContext },
): Promise<CallToolResult> {
  const { peer, random, context } = components
  try {
    const { text, data } = await of.run(input, {
      random,
      call: async <T>(operation: string, given: unknown) => (await peer.call(operation, given, context)) as T,
    })
    return { content: [{ type: 'text', text }], structuredContent: { ...data } }
  } catch (error) {
    if (!(error instanceof PlexusError)) throw error
    const fix = error.fix === undefined ? '' : `\nTry: ${plainText(error.fix)}`
    return { isError: true, content: [{ type: 'text', text: `${plainText(error.message)} (${codeOf(error)})${fix}` }] }
  }
}
