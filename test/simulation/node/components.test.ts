import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { codeOf, operation } from '../../../src/base/index.ts'
import { runFor } from '../../../src/network/index.ts'
import type { ComponentReport, Domain, NodeComponent, PlexusNode } from '../../../src/node/index.ts'
import { RESTART_LONGEST_MS } from '../../../src/node/restarts.ts'
import { LOOK_INTERVAL_MS } from '../../../src/node/supervisor.ts'
import { KIND_RANGES, LOG_CLASS, type StoredRecord } from '../../../src/records/index.ts'
import { defaultSpace } from '../../../src/space/index.ts'
import { Crowd } from './crowd.ts'

const EMPTY = new Uint8Array()

function report(node: PlexusNode, name: string): ComponentReport {
  const found = node.status().components.find((component) => component.name === name)
  assert.ok(found !== undefined, `no component is called ${name}`)
  return found
}

/** Says what becomes of it; `failures` starts fail first. */
function recorder(name: string, log: string[], failures = 0): NodeComponent & { readonly heard: string[] } {
  const heard: string[] = []
  let left = failures
  const echo = operation({ name: `${name}.echo`, summary: 'Echo', input: z.object({}), run: async () => name })
  return {
    name,
    heard,
    operations: [echo],
    handlers: {
      published: { [`${name}.said`]: ({ topic, body }) => void heard.push(`${topic.split('/')[2]} ${body.length}`) },
      sent: { [`${name}.told`]: ({ body }) => void heard.push(`told ${body.length}`) },
      requested: { [`${name}.asked`]: async () => Uint8Array.of(7) },
    },
    start: () => {
      log.push(`start ${name}`)
      if (left-- > 0) throw new Error(`${name} cannot load its model`)
    },
    stop: () => void log.push(`stop ${name}`),
  }
}

test('a domain that fails twice and then works hurts nobody: its handlers and operations go and come back with it', async () => {
  await using crowd = new Crowd()
  const log: string[] = []
  const shaky: Domain = { ...recorder('shaky', log, 2), views: [] }
  const sound = recorder('sound', log)
  const ada = await crowd.node('ada')
  const bohr = await crowd.node('bohr', { domains: [() => shaky], components: [() => sound] })
  await crowd.join(ada, bohr)
  const ask = async (kind: string): Promise<readonly number[]> => [
    ...(await crowd.until(ada.bus.request(bohr.peer, kind, EMPTY))),
  ]

  assert.deepEqual(log, ['start shaky', 'stop shaky', 'start sound'])
  const { state, reason, fix } = report(bohr, 'shaky')
  assert.equal(state, 'failed')
  assert.match(reason ?? '', /^shaky cannot load its model; failed once, next attempt at 20/)
  assert.ok(fix !== undefined)
  assert.equal(bohr.status().state, 'failed')
  await assert.rejects(ask('shaky.asked'), { code: 'ERR_NO_RESPONDER' })
  await assert.rejects(bohr.call('shaky.echo', {}), { code: 'ERR_COMPONENT_DOWN' })
  assert.deepEqual(await ask('sound.asked'), [7])
  assert.equal(await bohr.call('sound.echo', {}), 'sound')

  await runFor(crowd.clock, RESTART_LONGEST_MS)
  assert.deepEqual(log.slice(3), ['start shaky', 'stop shaky', 'start shaky'])
  assert.deepEqual([report(bohr, 'shaky').state, report(bohr, 'shaky').restarts], ['ok', 1])
  assert.deepEqual(await ask('shaky.asked'), [7])
  assert.equal(await bohr.call('shaky.echo', {}), 'shaky')
  assert.equal(bohr.status().state, 'ok')

  await crowd.until(bohr.stop())
  assert.deepEqual(log.slice(6), ['stop sound', 'stop shaky'])
})

test('kinds lead to the component that handles them; what nobody handles is counted and hurts nobody', async () => {
  await using crowd = new Crowd()
  const board = recorder('board', [])
  const ada = await crowd.node('ada')
  const bohr = await crowd.node('bohr', { components: [() => board] })
  await crowd.join(ada, bohr)
  const topic = `space/${defaultSpace(ada.spaces.list()).id}/board`
  const unhandled = report(bohr, 'bus').figures?.droppedUnhandled ?? Number.NaN
  await crowd.until(
    (async () => {
      await ada.bus.publish(topic, 'board.said', Uint8Array.of(1, 2, 3))
      await ada.bus.publish(topic, 'nobody.said', EMPTY)
      await ada.bus.send(bohr.peer, 'board.told', Uint8Array.of(1))
      await ada.bus.send(bohr.peer, 'nobody.told', EMPTY)
      await assert.rejects(ada.bus.request(bohr.peer, 'nobody.asked', EMPTY), { code: 'ERR_NO_RESPONDER' })
      await ada.bus.request(bohr.peer, 'board.asked', EMPTY)
    })(),
  )
  assert.deepEqual(board.heard, ['board 3', 'told 1'])
  assert.equal(report(bohr, 'bus').figures?.droppedUnhandled, unhandled + 3)
  assert.equal(bohr.status().state, 'ok')
})

test('a handler that throws is counted for its component, and the next message reaches it', async () => {
  await using crowd = new Crowd()
  let calls = 0
  const fail = (): never => {
    calls++
    throw new Error('a mistake')
  }
  const clumsy: NodeComponent = {
    name: 'clumsy',
    handlers: {
      published: { 'clumsy.said': async () => fail() },
      sent: { 'clumsy.told': fail },
      requested: {
        'clumsy.asked': async () => fail(),
        // biome-ignore lint/correctness/useYield: it fails before it has anything to yield
        'clumsy.streamed': async function* () {
          fail()
        },
      },
    },
  }
  const ada = await crowd.node('ada')
  const bohr = await crowd.node('bohr', { components: [() => clumsy, () => recorder('sound', [])] })
  await crowd.join(ada, bohr)
  const topic = `space/${defaultSpace(ada.spaces.list()).id}/x`
  const failed = { code: 'ERR_REMOTE', remoteCode: 'ERR_INTERNAL' }
  await crowd.until(
    (async () => {
      for (let round = 0; round < 2; round++) {
        await ada.bus.publish(topic, 'clumsy.said', EMPTY)
        await ada.bus.send(bohr.peer, 'clumsy.told', EMPTY)
        await assert.rejects(ada.bus.request(bohr.peer, 'clumsy.asked', EMPTY), failed)
        await assert.rejects(Array.fromAsync(ada.bus.requestStream(bohr.peer, 'clumsy.streamed', EMPTY)), failed)
      }
    })(),
  )
  assert.equal(calls, 8)
  const { state, figures } = report(bohr, 'clumsy')
  assert.deepEqual([state, figures], ['ok', { handlerFailures: 8 }])
  assert.deepEqual(report(bohr, 'sound').figures, { handlerFailures: 0 })
})

test('a component that claims a kind of another does not start, and says so', async () => {
  await using crowd = new Crowd()
  const first = recorder('first', [])
  const thief: NodeComponent = {
    name: 'thief',
    handlers: { sent: { 'thief.own': () => undefined }, ...first.handlers },
  }
  const node = await crowd.node('ada', { components: [() => first, () => thief] })
  assert.match(report(node, 'thief').reason ?? '', /first.told.*ERR_KIND_TAKEN/)
  assert.equal(report(node, 'first').state, 'ok')
})

test('records of a kind that nobody here knows are kept, counted and handed on', async () => {
  await using crowd = new Crowd()
  const [ada, bohr, away] = [await crowd.node('ada'), await crowd.node('bohr'), await crowd.node('curie')]
  await crowd.join(ada, bohr)
  await crowd.join(ada, away)
  await crowd.until(away.call('peers.list', { waitFor: 2 }))
  await crowd.until(away.stop())
  const space = defaultSpace(ada.spaces.list()).id
  const draft = { space, class: LOG_CLASS.durable, kind: KIND_RANGES.application[1], body: { from: 'a later version' } }
  const signal = AbortSignal.timeout(30_000)
  const isIt = ({ record }: { readonly record: StoredRecord }): boolean => record.kind === draft.kind

  const arrived = bohr.journal.events.next('record:stored', { signal, matches: isIt })
  const { id } = await crowd.until(ada.journal.append(draft))
  await crowd.until(arrived)
  assert.equal(report(bohr, 'store').figures?.unknownKinds, 1)
  await crowd.until(ada.stop())

  const back = await crowd.node('curie')
  // It may have come while the node started.
  if (back.journal.record(id) === undefined) {
    await crowd.until(back.journal.events.next('record:stored', { signal, matches: isIt }))
  }
  assert.deepEqual(back.journal.record(id)?.body, draft.body)
  assert.equal(bohr.status().state, 'ok')
})

test('a component is made with the node, may use it from its start on, and stops before what it stands on', async () => {
  await using crowd = new Crowd()
  const seen: unknown[] = []
  const watcher = (node: PlexusNode): NodeComponent => ({
    name: 'watcher',
    start: async () => void seen.push(await node.call('base.echo', {}), report(node, 'bus').state),
    stop: () => void seen.push(report(node, 'base').state),
  })
  const base: Domain = { ...recorder('base', []), views: [] }
  const node = await crowd.node('ada', { domains: [() => base], components: [watcher] })
  await crowd.until(node.stop())
  assert.deepEqual(seen, ['base', 'ok', 'ok'])
  await assert.rejects(node.call('base.echo', {}), { code: 'ERR_STOPPING' })
})

test('two components, or operations, of one name are refused before anything starts', async () => {
  await using crowd = new Crowd()
  const log: string[] = []
  const taken = { code: 'ERR_COMPONENT_INVALID' }
  const twin = (): NodeComponent => recorder('twin', log)
  await assert.rejects(crowd.node('ada', { components: [twin, twin] }), taken)
  await assert.rejects(crowd.node('ada', { components: [() => ({ name: 'bus' })] }), taken)
  const thief = operation({ name: 'space.invite', summary: '', input: z.object({}), run: async () => 'mine' })
  await assert.rejects(crowd.node('ada', { components: [() => ({ name: 'thief', operations: [thief] })] }), taken)
  assert.deepEqual(log, [])
  await crowd.node('ada', { components: [twin] })
})

test('a node that loses its ground stops, and says why', async () => {
  for (const file of ['plexus.db', 'owner.lock', '.']) {
    await using crowd = new Crowd()
    const log: string[] = []
    const node = await crowd.node('ada', { components: [() => recorder('on-top', log)] })
    rmSync(join(crowd.folder, 'ada', file), { recursive: true })
    await runFor(crowd.clock, LOOK_INTERVAL_MS)
    const error = await crowd.until(node.stopped)
    assert.equal(codeOf(error), 'ERR_COMPONENT_LOST')
    assert.match(error?.message ?? '', /^store: .* was removed or replaced while this peer ran$/)
    assert.ok(error?.fix !== undefined)
    assert.deepEqual(log, ['start on-top', 'stop on-top'])
  }
})

test('a node without a network opens no socket, works alone, and says that nobody can be reached', async () => {
  await using crowd = new Crowd()
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|UDP|Pipe/.test(name)).length
  const before = sockets()
  const [node, other] = [await crowd.node('ada', { network: false }), await crowd.node('bohr', { network: false })]
  assert.equal(sockets(), before)
  assert.deepEqual(node.transport.addresses(), [])
  const heard: string[] = []
  node.bus.subscribe('lab.*', {}, ({ kind }) => void heard.push(kind))
  assert.deepEqual(await node.bus.publish('lab.alerts', 'note', EMPTY), { sent: 0, skipped: [] })
  assert.deepEqual(heard, ['note'])
  await assert.rejects(node.bus.request(other.peer, 'x', EMPTY), { code: 'ERR_PEER_NOT_READY' })
  await assert.rejects(crowd.until(node.transport.dial(other.peer, ['/ip4/127.0.0.1/tcp/9'])), {
    code: 'ERR_UNREACHABLE',
    message: /without a network/,
  })
  assert.equal(node.status().state, 'ok')
})
