import { type Operation, type OperationType, operationOf } from '../base/index.ts'
import type { ImportReport } from './importing.ts'
import {
  ADD_INPUT,
  type AddInput,
  ASK_INPUT,
  type AskInput,
  CITE_INPUT,
  type CiteInput,
  FIND_INPUT,
  type FindInput,
  IMPORT_INPUT,
  type ImportInput,
  SHOW_INPUT,
  type ShowInput,
} from './inputs.ts'
import type { PaperReport } from './reports.ts'
import type { AddReport, AskReport, CiteReport, FindReport, ReferenceReport, Research } from './research.ts'

export interface ResearchOperations {
  readonly 'research.import': OperationType<ImportInput, ImportReport>
  readonly 'research.add': OperationType<AddInput, AddReport>
  readonly 'research.find': OperationType<FindInput, FindReport>
  readonly 'research.show': OperationType<ShowInput, { readonly paper: PaperReport }>
  readonly 'research.cite': OperationType<
    CiteInput,
    { readonly reference: ReferenceReport } | { readonly citation: CiteReport }
  >
  readonly 'research.ask': OperationType<AskInput, AskReport>
}

const operation = operationOf<ResearchOperations>()

/** What research can be asked to do, for the command line and for MCP. */
export function researchOperations(research: Research): readonly Operation[] {
  return [
    operation({
      name: 'research.import',
      summary: 'Read a BibTeX file into the shared library',
      input: IMPORT_INPUT,
      run: (input, context) => research.import(input, context),
    }),
    operation({
      name: 'research.add',
      summary: 'Add one paper to the shared library',
      input: ADD_INPUT,
      run: (input, { caller }) => research.add(input, caller),
    }),
    operation({
      name: 'research.find',
      summary: 'Find papers, here or at all members of our spaces',
      input: FIND_INPUT,
      run: (input, { signal, trace }) => research.find(input, signal, trace),
    }),
    operation({
      name: 'research.show',
      summary: 'One paper with its citations and who says what about it',
      input: SHOW_INPUT,
      run: async ({ id, space }) => ({ paper: research.show(id, space) }),
    }),
    operation({
      name: 'research.cite',
      summary: 'Write a reference to a paper, or record that one paper cites another',
      input: CITE_INPUT,
      run: async (input, { caller }) =>
        input.id === undefined
          ? { citation: await research.cite(input, caller) }
          : { reference: research.reference(input.id, input.style, input.space) },
    }),
    operation({
      name: 'research.ask',
      summary: 'Ask the libraries of all members of our spaces',
      input: ASK_INPUT,
      run: (input, { signal, trace }) => research.ask(input, signal, trace),
    }),
  ]
}
