import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTraceparent, seededRandom, startSpan, TRACEPARENT_CHARS } from '../../../src/base/index.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const CAUSE = `00-${TRACE}-${SPAN}-01`

test('a span continues the trace of its cause under an id of its own', () => {
  const random = seededRandom(1)
  const first = startSpan(random, CAUSE)
  const second = startSpan(random, first.traceparent)
  assert.deepEqual(
    [first.traceId, first.parentSpanId, second.traceId, second.parentSpanId],
    [TRACE, SPAN, TRACE, first.spanId],
  )
  assert.equal(new Set([SPAN, first.spanId, second.spanId]).size, 3)
  assert.equal(second.traceparent, `00-${TRACE}-${second.spanId}-01`)
})

test('without a cause, or with one that is none, a trace of its own begins', () => {
  const random = seededRandom(2)
  const ids = ['', 'nonsense', CAUSE.toUpperCase()].map((cause) => startSpan(random, cause))
  assert.equal(new Set(ids.map(({ traceId }) => traceId)).size, 3)
  for (const { traceparent, parentSpanId } of ids) {
    assert.equal(parentSpanId, undefined)
    assert.equal(traceparent.length, TRACEPARENT_CHARS)
    assert.ok(isTraceparent(traceparent))
  }
})

test('version 00 is read exactly, later ones by what they share with it, 255 not at all', () => {
  const right = [CAUSE, `00-${TRACE}-${SPAN}-00`, `cc-${TRACE}-${SPAN}-09`, `cc-${TRACE}-${SPAN}-01-more`]
  const wrong = [
    `${CAUSE}-more`,
    `${CAUSE} `,
    `ff-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01.more`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    CAUSE.slice(0, -1),
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(10_000)}`,
  ]
  assert.deepEqual(
    right.filter((text) => !isTraceparent(text)),
    [],
  )
  assert.deepEqual(wrong.filter(isTraceparent), [])
})

test('what is sampled stays so, and flags that nobody knows are not passed on', () => {
  const flags = ['00', '01', '02', 'ff'].map((flag) =>
    startSpan(seededRandom(3), `00-${TRACE}-${SPAN}-${flag}`).traceparent.slice(-2),
  )
  assert.deepEqual(flags, ['00', '01', '02', '03'])
})
