import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageText } from './markdown.ts'

test('the component on the page is the one in the example, which runs', () => {
  const blocks = pageText('docs/components.md').split('```ts\n')
  const shown = blocks.find((block) => block.startsWith('function '))?.split('```')[0]
  assert.ok(shown !== undefined)
  assert.ok(pageText('examples/custom-component.ts').includes(shown))
})
