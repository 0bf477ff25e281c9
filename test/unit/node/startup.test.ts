import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Component, type ComponentStatus, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import { STOP_TIMEOUT_MS, Startup } from '../../../src/node/startup.ts'

interface Script {
  readonly start?: () => Promise<void>
  readonly stop?: () => Promise<void>
  readonly status?: () => ComponentStatus
}

function component(name: string, log: string[], script: Script = {}): Component {
  const stop = async (): Promise<void> => {
    log.push(`stop ${name}`)
    await script.stop?.()
  }
  return {
    name,
    start: async () => {
      log.push(`start ${name}`)
      await script.start?.()
    },
    stop,
    status: script.status ?? (() => ({ state: 'ok', since: 1 })),
    [Symbol.asyncDispose]: stop,
  }
}

const make = (): { clock: VirtualClock; startup: Startup; log: string[] } => {
  const clock = new VirtualClock()
  return { clock, startup: new Startup({ clock, log: silentLogger() }), log: [] }
}

test('components start in order and stop in reverse', async () => {
  const { startup, log } = make()
  for (const name of ['a', 'b', 'c']) await startup.start(component(name, log), { optional: false })
  await startup.stop()
  assert.deepEqual(log, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('an optional component that does not start is reported and the rest goes on', async () => {
  const { startup, log } = make()
  await startup.start(component('bad', log, { start: () => Promise.reject(new Error('no model here')) }), {
    optional: true,
  })
  await startup.start(component('good', log), { optional: false })
  const [bad, good] = startup.reports()
  assert.equal(bad?.state, 'failed')
  assert.match(bad?.reason ?? '', /no model here/)
  assert.ok(bad?.fix !== undefined)
  assert.equal(good?.state, 'ok')
})

test('a component that everything stands on and does not start ends the start', async () => {
  const { startup, log } = make()
  await assert.rejects(
    startup.start(component('ground', log, { start: () => Promise.reject(new Error('no disk')) }), { optional: false }),
    /no disk/,
  )
})

test('a component that hangs or throws while stopping does not keep the others from it', async () => {
  const { clock, startup, log } = make()
  await startup.start(component('first', log), { optional: false })
  await startup.start(component('hangs', log, { stop: () => new Promise(() => undefined) }), { optional: false })
  await startup.start(component('throws', log, { stop: () => Promise.reject(new Error('stuck')) }), { optional: false })
  const stopped = startup.stop()
  while (clock.pendingTimers === 0 || log.at(-1) !== 'stop hangs') await Promise.resolve()
  clock.advance(STOP_TIMEOUT_MS)
  await stopped
  assert.deepEqual(log.slice(3), ['stop throws', 'stop hangs', 'stop first'])
})

test('a status that throws is itself a finding', async () => {
  const { startup, log } = make()
  await startup.start(
    component('odd', log, {
      status: () => {
        throw new Error('lost count')
      },
    }),
    { optional: false },
  )
  const [odd] = startup.reports()
  assert.equal(odd?.state, 'failed')
  assert.match(odd?.reason ?? '', /lost count/)
})
