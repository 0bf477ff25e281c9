import type { z } from 'zod'

/** Who calls an operation: the person at the command line, or a model through an MCP client. */
export interface Caller {
  readonly kind: 'person' | 'agent'
  /** How the caller names itself: `cli`, `claude-code`, ... At most 64 characters. */
  readonly client: string
  readonly model?: string
}

export interface OperationContext {
  readonly caller: Caller
  readonly signal: AbortSignal
  /** W3C traceparent of this call: what it asks of other peers carries it. */
  readonly trace?: string | undefined
  /** Reports how far a long operation has come; may be called any number of times. */
  readonly progress: (step: { readonly done: number; readonly total?: number; readonly message?: string }) => void
}

/**
 * One thing a domain can be asked to do, offered alike to the command line and to MCP.
 * `input` both checks and documents the arguments; `run` returns plain JSON, or an async iterable of it that ends when the
 * signal aborts.
 */
export interface Operation<Input extends z.ZodType = z.ZodType, Output = unknown> {
  /** `domain.verb`, e.g. `thought.share`. */
  readonly name: string
  readonly summary: string
  readonly input: Input
  run(input: z.output<Input>, context: OperationContext): Promise<Output>
}

/**
 * The schema of an input that leaves out what has a default: what it makes of one always holds the properties `Defaulted`.
 */
export type InputSchema<Input, Defaulted extends keyof Input = never> = z.ZodType<
  Omit<Input, Defaulted> & { readonly [Name in Defaulted]-?: Exclude<Input[Name], undefined> },
  Input
>

/** Keeps the input type while the list of operations forgets it. */
export function operation<Input extends z.ZodType, Output>(of: Operation<Input, Output>): Operation {
  return of as unknown as Operation
}

/** What callers of an operation give and get. */
export interface OperationType<Input = unknown, Output = unknown> {
  readonly input: Input
  readonly output: Output
}

/** `operation`, held to a table of types by name, so that whoever calls by name has the types as well. */
export function operationOf<Types extends { [Name in keyof Types]: OperationType }>(): <
  Name extends keyof Types & string,
  Input extends z.ZodType<unknown, Types[Name]['input']>,
>(
  of: Operation<Input, Types[Name]['output']> & { readonly name: Name },
) => Operation {
  return operation
}
