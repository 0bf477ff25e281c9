import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { KindTable } from '../../../src/bus/kind-table.ts'

suite('one handler for each kind', () => {
  test('it is found until it is disposed', () => {
    const table = new KindTable<string>('answers')
    const first = table.add('greet', 'first')
    assert.equal(table.get('greet'), 'first')
    first[Symbol.dispose]()
    assert.equal(table.get('greet'), undefined)
  })

  test('a second one is refused', () => {
    const table = new KindTable<string>('answers')
    table.add('greet', 'first')
    assert.throws(() => table.add('greet', 'second'), { code: 'ERR_KIND_TAKEN', message: /answers "greet"/ })
  })

  test('disposing twice does not take away the one that came after', () => {
    const table = new KindTable<string>('answers')
    const first = table.add('greet', 'the same')
    first[Symbol.dispose]()
    table.add('greet', 'the same')
    first[Symbol.dispose]()
    assert.equal(table.get('greet'), 'the same')
  })

  test('what is no kind is refused', () => {
    assert.throws(() => new KindTable<string>('answers').add('', 'it'), { code: 'ERR_KIND_INVALID' })
  })
})
