import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BaseError, type Random, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import type { NodeComponent } from '../../../src/node/index.ts'
import { RESTART_FIRST_MS } from '../../../src/node/restarts.ts'
import { type Cause, START_TIMEOUT_MS, STOP_TIMEOUT_MS, type Supervised } from '../../../src/node/supervised.ts'
import { LOOK_INTERVAL_MS, Supervisor } from '../../../src/node/supervisor.ts'

const even: Random = { bytes: (length) => new Uint8Array(length), unit: () => 0.5 }
const never = (): Promise<void> => new Promise(() => undefined)

class Stage {
  readonly clock = new VirtualClock()
  readonly log: string[] = []
  readonly lost: { component: string; cause: Cause }[] = []
  readonly supervisor: Supervisor = new Supervisor(
    { onLost: (component, cause) => void this.lost.push({ component, cause }) },
    { clock: this.clock, random: even, log: silentLogger() },
  )

  add(name: string, script: Omit<NodeComponent, 'name'> = {}, optional = true): Supervised {
    const component: NodeComponent = {
      ...script,
      name,
      start: (options) => {
        this.log.push(`start ${name}`)
        return script.start?.(options)
      },
      stop: () => {
        this.log.push(`stop ${name}`)
        return script.stop?.()
      },
    }
    return this.supervisor.add({ component, optional })
  }

  report(name: string) {
    const report = this.supervisor.reports().find((candidate) => candidate.name === name)
    assert.ok(report !== undefined)
    return report
  }

  async pass(ms: number): Promise<void> {
    await settled()
    this.clock.advance(ms)
    await settled()
  }
}

/** Everything that waits for nothing but promises has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function failing(times: number, error: Error = new Error('no model here')): () => void {
  let left = times
  return () => {
    if (left-- > 0) throw error
  }
}

test('components start in order and stop in reverse, those that were added later after the others', async () => {
  const stage = new Stage()
  stage.add('a', {}, false)
  await stage.supervisor.start()
  for (const name of ['b', 'c']) stage.add(name)
  await stage.supervisor.start()
  await stage.supervisor.stop()
  assert.deepEqual(stage.log, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('an optional component that does not start is stopped, reported and tried again, later and later, while the rest goes on', async () => {
  const stage = new Stage()
  const fix = 'Get one.'
  stage.add('bad', { start: failing(2, new BaseError('ERR_LIFECYCLE', 'no model here', { fix })) })
  stage.add('good')
  await stage.supervisor.start()
  assert.deepEqual(stage.log, ['start bad', 'stop bad', 'start good'])
  const since = stage.clock.now()
  const first = stage.report('bad')
  const next = new Date(since + RESTART_FIRST_MS).toISOString()
  assert.equal(first.reason, `no model here (ERR_LIFECYCLE); failed once, next attempt at ${next}`)
  assert.deepEqual(
    { ...first, reason: '' },
    { name: 'bad', state: 'failed', reason: '', since, fix, figures: {}, restarts: 0 },
  )
  assert.equal(stage.report('good').state, 'ok')

  await stage.pass(RESTART_FIRST_MS)
  assert.match(stage.report('bad').reason ?? '', /failed 2 times/)
  assert.equal(stage.report('bad').since, since, 'since the first failure')
  await stage.pass(RESTART_FIRST_MS)
  assert.equal(stage.report('bad').state, 'failed', 'the second wait is longer')
  await stage.pass(RESTART_FIRST_MS)
  assert.deepEqual(stage.report('bad'), {
    name: 'bad',
    state: 'ok',
    since: stage.clock.now(),
    figures: {},
    restarts: 1,
  })
  assert.equal(stage.log.filter((line) => line === 'start good').length, 1)
})

test('an optional component that hangs while it starts is told to give up, and tried again', async () => {
  const stage = new Stage()
  let signal: AbortSignal | undefined
  let starts = 0
  stage.add('slow', {
    start: (options) => {
      signal ??= options.signal
      return starts++ === 0 ? never() : undefined
    },
  })
  const started = stage.supervisor.start()
  await stage.pass(START_TIMEOUT_MS)
  await started
  assert.equal(signal?.aborted, true)
  assert.match(stage.report('slow').reason ?? '', /starting slow took longer/)
  await stage.pass(RESTART_FIRST_MS)
  assert.equal(stage.report('slow').state, 'ok')
})

test('an optional component that says later that it has failed is stopped and started again', async () => {
  const stage = new Stage()
  let broken = false
  stage.add('model', {
    start: () => {
      broken = false
    },
    status: () =>
      broken ? { state: 'failed', reason: 'out of memory', fix: 'Buy some.' } : { figures: { answers: 3 } },
  })
  await stage.supervisor.start()
  broken = true
  await stage.pass(LOOK_INTERVAL_MS)
  const { state, reason, fix } = stage.report('model')
  assert.deepEqual([state, fix], ['failed', 'Buy some.'])
  assert.match(reason ?? '', /^out of memory; failed once/)
  await stage.pass(RESTART_FIRST_MS)
  assert.deepEqual(stage.log, ['start model', 'stop model', 'start model'])
  const well = stage.report('model')
  assert.deepEqual([well.state, well.figures, well.restarts], ['ok', { answers: 3 }, 1])
})

test('what a component is asked to do is refused, with the reason, while it does not run', async () => {
  const stage = new Stage()
  const supervised = stage.add('bad', { start: failing(1) })
  assert.throws(() => supervised.assertUp(), { code: 'ERR_COMPONENT_DOWN', message: 'bad does not run' })
  await stage.supervisor.start()
  assert.throws(() => supervised.assertUp(), /bad does not run: no model here; failed once, next attempt at /)
  await stage.pass(RESTART_FIRST_MS)
  supervised.assertUp()
})

test('a component that everything stands on and does not start ends the start; one that fails later is told of, once', async () => {
  const stage = new Stage()
  stage.add('ground', { start: failing(1, new Error('no disk')) }, false)
  await assert.rejects(stage.supervisor.start(), /no disk/)
  await stage.supervisor.stop()
  assert.deepEqual(stage.log, ['start ground', 'stop ground'])

  const later = new Stage()
  later.add('ground', { status: () => ({ state: 'failed', reason: 'the disk is gone', fix: 'Find it.' }) }, false)
  await later.supervisor.start()
  await later.pass(LOOK_INTERVAL_MS)
  await later.pass(LOOK_INTERVAL_MS)
  assert.deepEqual(later.lost, [{ component: 'ground', cause: { reason: 'the disk is gone', fix: 'Find it.' } }])
})

test('a component that hangs or throws while stopping does not keep the others from it', async () => {
  const stage = new Stage()
  stage.add('first')
  stage.add('hangs', { stop: never })
  stage.add('throws', { stop: failing(1) })
  await stage.supervisor.start()
  const stopped = stage.supervisor.stop()
  await stage.pass(STOP_TIMEOUT_MS)
  await stopped
  assert.deepEqual(stage.log.slice(3), ['stop throws', 'stop hangs', 'stop first'])
})

test('stopping cancels a start under way and the attempts to come', async () => {
  const stage = new Stage()
  stage.add('waits', { start: failing(9) })
  stage.add('hangs', { start: never })
  stage.add('after')
  const started = assert.rejects(stage.supervisor.start(), { code: 'ERR_STOPPING' })
  await settled()
  await stage.supervisor.stop()
  await started
  assert.deepEqual(stage.log, ['start waits', 'stop waits', 'start hangs', 'stop hangs'])
  assert.equal(stage.clock.pendingTimers, 0)
})

test('a status that throws is a finding and no failure', async () => {
  const stage = new Stage()
  stage.add('odd', { status: failing(9) as never }, false)
  await stage.supervisor.start()
  await stage.pass(LOOK_INTERVAL_MS)
  const { state, reason } = stage.report('odd')
  assert.equal(state, 'degraded')
  assert.match(reason ?? '', /no model here/)
  assert.deepEqual(stage.lost, [])
})

test('nothing that is not well is shown without a reason and a fix', async () => {
  const stage = new Stage()
  stage.add('terse', { status: () => ({ state: 'degraded' }) })
  stage.add('open', { status: () => ({ state: 'degraded', reason: 'the server is away', fix: 'Start it.' }) })
  await stage.supervisor.start()
  const [terse, open] = stage.supervisor.reports()
  assert.ok(terse?.reason !== undefined && terse.fix !== undefined)
  assert.deepEqual([open?.reason, open?.fix], ['the server is away', 'Start it.'])
})

test('two components of one name are refused', () => {
  const stage = new Stage()
  stage.add('twin')
  assert.throws(() => stage.add('twin'), { code: 'ERR_COMPONENT_INVALID' })
})
