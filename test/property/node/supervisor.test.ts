import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom, silentLogger, VirtualClock } from '../../../src/base/index.ts'
import type { NodeComponent } from '../../../src/node/index.ts'
import { RESTART_FIRST_MS } from '../../../src/node/restarts.ts'
import { Supervisor } from '../../../src/node/supervisor.ts'

/** What becomes of one start: it throws or hangs, or the component fails after a while, or it stays well. */
const fate = fc.oneof(
  fc.constant({ at: 'start' as const }),
  fc.constant({ at: 'never' as const }),
  fc.record({ at: fc.constant('later' as const), afterMs: fc.integer({ min: 0, max: 120_000 }) }),
)
type Fate = { readonly at: 'start' | 'never' } | { readonly at: 'later'; readonly afterMs: number }

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Meets its fates one after the other, then stays well. Breaks the test when it is not treated as promised. */
class Wretch implements NodeComponent {
  readonly name: string
  readonly startedAt: number[] = []
  isOpen = false
  readonly #fates: Fate[]
  readonly #clock: VirtualClock
  #failsAt = Number.POSITIVE_INFINITY

  constructor(name: string, fates: readonly Fate[], clock: VirtualClock) {
    this.name = name
    this.#fates = [...fates]
    this.#clock = clock
  }

  start(): void | Promise<void> {
    assert.equal(this.isOpen, false, 'stopped before it is started again')
    this.isOpen = true
    this.startedAt.push(this.#clock.monotonic())
    const next = this.#fates.shift()
    this.#failsAt = next?.at === 'later' ? this.#clock.monotonic() + next.afterMs : Number.POSITIVE_INFINITY
    if (next?.at === 'start') throw new Error('no')
    return next?.at === 'never' ? new Promise(() => undefined) : undefined
  }

  stop(): void {
    this.isOpen = false
    this.#failsAt = Number.POSITIVE_INFINITY
  }

  status(): { readonly state: 'ok' | 'failed' } {
    return { state: this.#clock.monotonic() >= this.#failsAt ? 'failed' : 'ok' }
  }
}

test('whatever components do, each is stopped before it is started again, never at once, and all end stopped', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fate, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 600_000 }),
      fc.integer(),
      async (lives, endMs, seed) => {
        const clock = new VirtualClock()
        const random = seededRandom(seed)
        const supervisor = new Supervisor({ onLost: () => assert.fail() }, { clock, random, log: silentLogger() })
        const wretches = lives.map((fates, n) => new Wretch(`wretch-${n}`, fates, clock))
        const sound = new Wretch('sound', [], clock)
        for (const component of [...wretches, sound]) supervisor.add({ component, optional: true })
        const started = supervisor
          .start()
          .catch((error: unknown) => assert.equal(String(error).includes('stopped'), true))
        while (clock.monotonic() < endMs) {
          await settled()
          clock.advance(Math.min(clock.untilNextTimer ?? endMs, endMs - clock.monotonic()))
        }
        await settled()
        const stopped = supervisor.stop()
        await settled()
        await Promise.all([started, stopped])
        const all = [...wretches, sound]
        assert.ok(all.every(({ isOpen }) => !isOpen))
        assert.equal(clock.pendingTimers, 0)
        assert.ok(sound.startedAt.length <= 1)
        for (const { startedAt } of wretches) {
          const pauses = startedAt.slice(1).map((at, n) => at - (startedAt[n] ?? 0))
          assert.ok(pauses.every((pause) => pause >= 0.8 * RESTART_FIRST_MS))
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('in the end, a component whose troubles are over runs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 8 }), fc.integer(), async (fates, seed) => {
      const clock = new VirtualClock()
      const supervisor = new Supervisor(
        { onLost: () => assert.fail() },
        { clock, random: seededRandom(seed), log: silentLogger() },
      )
      const wretch = new Wretch('wretch', fates, clock)
      supervisor.add({ component: wretch, optional: true })
      const started = supervisor.start()
      for (let step = 0; step < 2_000 && wretch.startedAt.length <= fates.length; step++) {
        await settled()
        clock.advance(clock.untilNextTimer ?? 0)
      }
      await started
      await settled()
      const [report] = supervisor.reports()
      assert.equal(report?.state, 'ok')
      assert.equal(wretch.startedAt.length, fates.length + 1)
      await supervisor.stop()
    }),
    { numRuns: 100 },
  )
})
