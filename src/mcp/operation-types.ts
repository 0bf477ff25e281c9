import type { RecallAnswer, RecallInput, ShareInput, ThoughtReport } from '../cognition/index.ts'
import type { NodeStatus, PeerReport } from '../node/index.ts'
import type {
  AddInput,
  AddReport,
  AskInput,
  AskReport,
  FindInput,
  FindReport,
  PaperReport,
  ShowInput,
} from '../research/index.ts'

/** What the operations that programs use most take and give; docs/specs/control.md lists all there are. */
export interface OperationTypes {
  'node.status': { input: object; output: NodeStatus }
  'peers.list': { input: { readonly waitFor?: number }; output: { readonly peers: readonly PeerReport[] } }
  'thought.share': { input: ShareInput; output: { readonly thought: ThoughtReport } }
  'thought.recall': { input: RecallInput; output: RecallAnswer }
  'thought.show': { input: { readonly id: string }; output: { readonly thought: ThoughtReport } }
  'research.add': { input: AddInput; output: AddReport }
  'research.find': { input: FindInput; output: FindReport }
  'research.ask': { input: AskInput; output: AskReport }
  'research.show': { input: ShowInput; output: { readonly paper: PaperReport } }
}

export type OperationInput<Name extends string> = Name extends keyof OperationTypes
  ? OperationTypes[Name]['input']
  : unknown
export type OperationOutput<Name extends string> = Name extends keyof OperationTypes
  ? OperationTypes[Name]['output']
  : unknown
