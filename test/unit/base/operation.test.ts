import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type OperationType, operationOf } from '../../../src/base/index.ts'

interface Table {
  readonly 'number.say': OperationType<{ readonly n: number }, string>
}

test('an operation that does not fit its row of the table does not compile', async () => {
  const operation = operationOf<Table>()
  const [name, summary, input] = ['number.say' as const, 'Say a number', z.object({ n: z.number() })]
  const fits = operation({ name, summary, input, run: async ({ n }) => String(n) })
  const context = { caller: { kind: 'person', client: 'test' }, signal: new AbortController().signal } as never
  assert.equal(await fits.run({ n: 7 }, context), '7')

  // @ts-expect-error: another output
  operation({ name, summary, input, run: async ({ n }) => n })
  // @ts-expect-error: another input
  operation({ name, summary, input: z.object({ n: z.string() }), run: async ({ n }) => n })
  // @ts-expect-error: not in the table
  operation({ name: 'number.hide', summary, input, run: async () => '' })
})
