import { type Operation, operation } from '../base/index.ts'
import type { Cognition } from './cognition.ts'
import { RECALL_INPUT, SHARE_INPUT, SHOW_INPUT } from './inputs.ts'

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
      run: async (input) => cognition.recall(input),
    }),
    operation({
      name: 'thought.show',
      summary: 'One thought with everything known of it',
      input: SHOW_INPUT,
      run: async ({ id }) => ({ thought: cognition.show(id) }),
    }),
  ]
}
