import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import {
  ABOUT_MAX,
  LINK_RELATIONS,
  LINKS_MAX,
  TEXT_MAX_CHARS,
  THOUGHT_KINDS,
  TOPIC_MAX_CHARS,
} from '../../../src/cognition/thought.ts'
import { TOOLS } from '../../../src/mcp/tools.ts'

interface JsonSchema {
  readonly properties: Readonly<
    Record<
      string,
      {
        readonly enum?: readonly string[]
        readonly maxLength?: number
        readonly maxItems?: number
        readonly items?: JsonSchema
      }
    >
  >
}

const schemaOf = (name: string): JsonSchema => {
  const tool = TOOLS.find((candidate) => candidate.name === name)
  assert.ok(tool !== undefined, name)
  return z.toJSONSchema(tool.input, { io: 'input' }) as unknown as JsonSchema
}

test('thought_share offers exactly what cognition takes', () => {
  const { properties } = schemaOf('thought_share')
  assert.deepEqual(properties.kind?.enum, [...THOUGHT_KINDS])
  assert.deepEqual(properties.links?.items?.properties.rel?.enum, [...LINK_RELATIONS])
  assert.equal(properties.text?.maxLength, TEXT_MAX_CHARS)
  assert.equal(properties.topic?.maxLength, TOPIC_MAX_CHARS)
  assert.equal(properties.about?.maxItems, ABOUT_MAX)
  assert.equal(properties.links?.maxItems, LINKS_MAX)
})

test('nothing about trust, invitations or keys is offered to models', () => {
  for (const { name, description } of TOOLS) {
    assert.doesNotMatch(name, /invite|join|admit|role|key|trust|stop/)
    assert.doesNotMatch(description, /ticket|private key/)
  }
})
