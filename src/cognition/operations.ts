import { type Operation, type OperationType, operationOf } from '../base/index.ts'
import type { Cognition, RecallAnswer } from './cognition.ts'
import { RECALL_INPUT, type RecallInput, SHARE_INPUT, SHOW_INPUT, type ShareInput, type ShowInput } from './inputs.ts'
import type { ThoughtReport } from './reports.ts'

export interface CognitionOperations {
  readonly 'thought.share': OperationType<ShareInput, { readonly thought: ThoughtReport }>
  readonly 'thought.recall': OperationType<RecallInput, RecallAnswer>
  readonly 'thought.show': OperationType<ShowInput, { readonly thought: ThoughtReport }>
}

const operation = operationOf<CognitionOperations>()

/** What cognition can be asked to do, for the command line and for MCP. */
export function cognitionOperations(cognition: Cognition): readonly Operation[] {
  return [
    operation({
      name: 'thought.share',
      summary: 'Share a thought with the members of a space',
      input: SHARE_INPUT,
      run: async (input, { caller }) => ({ thought: await cognition.share(input, caller) }),
    }),
    operation({
      name: 'thought.recall',
      summary: 'Recall thoughts, ours and those shared with us',
      input: RECALL_INPUT,
      run: (input, { signal }) => cognition.recall(input, signal),
    }),
    operation({
      name: 'thought.show',
      summary: 'One thought with everything known of it',
      input: SHOW_INPUT,
      run: async ({ id }) => ({ thought: cognition.show(id) }),
    }),
  ]
}
