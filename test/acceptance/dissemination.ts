import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PeerId } from '../../src/base/index.ts'

/** A member of the group, for one life. */
export interface Voice {
  readonly peer: PeerId
  /** What it heard of others, in that order. */
  readonly heard: readonly { readonly from: PeerId; readonly number: number }[]
  /** How many messages of each author it knows that it missed. */
  readonly missed: ReadonlyMap<PeerId, number>
  say(number: number): Promise<unknown>
}

/** Where a way of dissemination under test runs. */
export interface DisseminationBench extends AsyncDisposable {
  /** Messages of one author arrive in the order in which it published them. */
  readonly keepsOrder: boolean
  /** Those alive, linked with each other so that everyone can be reached. */
  readonly voices: readonly Voice[]
  /** A member dies without a word. */
  kill(voice: Voice): void
  /** A member that was killed begins anew, knowing nothing. */
  revive(voice: Voice): Promise<Voice>
  /** Links break; those concerned look for others. What is under way on them is lost. */
  breakLinks(count: number): void
  /** Cuts every link between some and the others, until `heal`. */
  split(side: readonly Voice[]): void
  heal(): void
  /** Is no member any more. */
  expel(voice: Voice): void
  /** Until all that is lost is noticed, ms. */
  readonly boundMs: number
  pass(ms: number): Promise<void>
}

/** Defines a test whose body runs on a bench of its own. */
type Check = (title: string, body: (bench: DisseminationBench) => Promise<void>) => void

/** What every way to bring messages to the members of a group must do. */
export function disseminationSuite(name: string, makeBench: () => Promise<DisseminationBench>): void {
  const check: Check = (title, body) => {
    test(title, { timeout: 120_000 }, async () => {
      await using bench = await makeBench()
      await body(bench)
    })
  }
  describe(`${name}: calm`, () => calmChecks(check))
  describe(`${name}: trouble`, () => troubleChecks(check))
}

function calmChecks(check: Check): void {
  check('everyone hears everything once, the author through its own subscription', async (bench) => {
    const said = new Said(bench)
    for (const voice of bench.voices) await said.by(voice, 5)
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) {
      said.assertHonest(voice)
      for (const { peer } of bench.voices) assert.equal(said.countOf(voice, peer), 5)
      assert.equal(voice.missed.size, 0)
    }
  })

  check('messages of one author keep their order, where that is promised', async (bench) => {
    if (!bench.keepsOrder) return
    const said = new Said(bench)
    const [speaker] = bench.voices as [Voice]
    for (let burst = 0; burst < 20; burst++) {
      await said.by(speaker, 20)
      await bench.pass(20)
    }
    for (const voice of bench.voices) {
      const numbers = voice.heard.map(({ number }) => number)
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
      assert.equal(numbers.length, 400)
    }
  })

  check('bursts of many authors at once', async (bench) => {
    const said = new Said(bench)
    for (let round = 0; round < 10; round++) {
      await Promise.all(bench.voices.map((voice) => said.by(voice, 10)))
      await bench.pass(100)
    }
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) {
      said.assertHonest(voice)
      for (const { peer } of bench.voices) assert.equal(said.countOf(voice, peer), 100)
    }
  })

  check('who is no member any more is not heard, and hears nothing', async (bench) => {
    const said = new Said(bench)
    const [speaker, outcast] = bench.voices as [Voice, Voice]
    await said.by(speaker, 3)
    await bench.pass(bench.boundMs)
    bench.expel(outcast)
    await bench.pass(1000)
    await said.by(speaker, 3)
    await said.by(outcast, 3)
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) {
      if (voice === outcast) {
        assert.equal(said.countOf(voice, speaker.peer), 3)
      } else {
        said.assertHonest(voice, [speaker.peer])
        assert.equal(said.countOf(voice, outcast.peer), 0)
      }
    }
  })
}

function troubleChecks(check: Check): void {
  check('members die and come back while others speak', async (bench) => {
    const said = new Said(bench)
    const [speaker] = bench.voices as [Voice]
    for (let round = 0; round < 8; round++) {
      const victim = bench.voices.findLast((voice) => voice !== speaker) as Voice
      await said.by(speaker, 3)
      bench.kill(victim)
      await said.by(speaker, 3)
      await bench.pass(500)
      await bench.revive(victim)
      await said.by(speaker, 3)
      await bench.pass(300)
    }
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) said.assertHonest(voice)
  })

  check('an author that begins anew is heard again, its numbers too', async (bench) => {
    const said = new Said(bench)
    const [speaker] = bench.voices as [Voice]
    await said.by(speaker, 3)
    await bench.pass(bench.boundMs)
    bench.kill(speaker)
    await bench.pass(1000)
    const again = await bench.revive(speaker)
    await bench.pass(bench.boundMs)
    await said.by(again, 3)
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) if (voice !== again) assert.equal(said.countOf(voice, again.peer), 6)
  })

  check('links break while many speak', async (bench) => {
    const said = new Said(bench)
    for (let round = 0; round < 20; round++) {
      for (const voice of bench.voices.slice(0, 4)) await said.by(voice, 2)
      bench.breakLinks(2)
      await bench.pass(200)
    }
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) said.assertHonest(voice)
  })

  check('both sides of a partition go on, and learn of each other when it heals', async (bench) => {
    const said = new Said(bench)
    const half = bench.voices.slice(0, bench.voices.length / 2)
    const others = bench.voices.filter((voice) => !half.includes(voice))
    const [one, other] = [half[0], others[0]] as [Voice, Voice]
    await said.by(one, 2)
    await said.by(other, 2)
    await bench.pass(bench.boundMs)
    bench.split(half)
    await bench.pass(2000)
    await said.by(one, 4)
    await said.by(other, 4)
    await bench.pass(2000)
    for (const voice of half) assert.equal(said.countOf(voice, other.peer), 2)
    for (const voice of others) assert.equal(said.countOf(voice, one.peer), 2)
    bench.heal()
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) said.assertHonest(voice)
    await said.by(one, 1)
    await bench.pass(bench.boundMs)
    for (const voice of bench.voices) assert.ok(voice.heard.some(({ number }) => number === said.last))
  })
}

/** What was said, by whom; every message is a number of its own. */
class Said {
  readonly #bench: DisseminationBench
  readonly #by = new Map<PeerId, number>()
  last = 0

  constructor(bench: DisseminationBench) {
    this.#bench = bench
  }

  async by(voice: Voice, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      this.#by.set(voice.peer, (this.#by.get(voice.peer) ?? 0) + 1)
      this.last++
      await voice.say(this.last)
    }
  }

  countOf(voice: Voice, author: PeerId): number {
    return voice.heard.filter(({ from }) => from === author).length
  }

  /** Nothing twice; and of each author everything, or it is known how much is missing. */
  assertHonest(voice: Voice, authors: readonly PeerId[] = this.#bench.voices.map(({ peer }) => peer)): void {
    const numbers = voice.heard.map(({ number }) => number)
    assert.equal(new Set(numbers).size, numbers.length, 'nothing is heard twice')
    for (const author of authors) {
      if (author === voice.peer) continue
      const said = this.#by.get(author) ?? 0
      const known = this.countOf(voice, author) + (voice.missed.get(author) ?? 0)
      assert.ok(known >= said, `${said} were said; heard or known to be missed: ${known}`)
    }
  }
}
