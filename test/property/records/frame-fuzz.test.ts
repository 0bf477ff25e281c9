import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeFrame,
  decodeFrames,
  decodeHeader,
  encodeFrame,
  encodeFrames,
  type Frame,
  type IngestReport,
  RecordsError,
} from '../../../src/records/index.ts'
import { Author, foundedBy, framesOf, rig } from '../../unit/records/fixture.ts'

const { space, genesis, founder } = foundedBy(2)
const FRAMES: readonly Frame[] = framesOf([
  ...founder.writeMany(2, { kind: 2 }),
  ...new Author(3, space).writeMany(5, { body: { text: 'thought' } }),
  new Author(4, space).write({ exp: 2_000_000_000_000 }),
])

type Change = readonly ['set' | 'insert' | 'remove' | 'cut', number, number]
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.tuple(fc.constantFrom('set', 'insert', 'remove', 'cut'), fc.nat(2_000), fc.nat(255)),
  { minLength: 1, maxLength: 4 },
)

function changed(bytes: Uint8Array, by: readonly Change[]): Uint8Array {
  let result = [...bytes]
  for (const [how, position, value] of by) {
    const at = position % (result.length + 1)
    if (how === 'set') result[Math.min(at, result.length - 1)] = value
    else if (how === 'insert') result.splice(at, 0, value)
    else if (how === 'remove') result.splice(at, 1)
    else result = result.slice(0, at)
  }
  return Uint8Array.from(result)
}

/** What decoding gave; anything but a `RecordsError` fails the test. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof RecordsError, String(error))
    return undefined
  }
}

/** The parts are never more bytes than came. */
function assertPaidFor(frames: readonly Frame[], input: Uint8Array): void {
  const parts = frames.flatMap(({ header, signature, body }) => [header, signature, body ?? new Uint8Array()])
  assert.ok(parts.reduce((sum, part) => sum + part.length, 0) <= input.length)
}

function total(report: IngestReport): number {
  const refused = Object.values(report.refused).reduce((a, b) => a + b, 0)
  return report.stored + report.duplicates + report.parked + refused
}

describe('bytes from a peer', () => {
  it('that are random never do more than be refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        attempt(() => decodeHeader(bytes))
        const frame = attempt(() => decodeFrame(bytes))
        const batch = attempt(() => decodeFrames(bytes))
        assertPaidFor([...(frame === undefined ? [] : [frame]), ...(batch ?? [])], bytes)
      }),
      { numRuns: 20_000 },
    )
  })

  it('that were changed on the way are refused, or decode to what encodes to them', () => {
    const batch = encodeFrames(FRAMES)
    fc.assert(
      fc.property(changes, (by) => {
        const bytes = changed(batch, by)
        const frames = attempt(() => decodeFrames(bytes))
        if (frames === undefined) return
        assertPaidFor(frames, bytes)
        assert.deepEqual(encodeFrames(frames), bytes)
      }),
      { numRuns: 5_000 },
    )
  })

  it('are judged without an exception, and each frame is accounted for', () => {
    const { journal } = rig()
    journal.ingest(space, [genesis.frame], 'single')
    const one = fc.constantFrom(...FRAMES)
    const bad = fc
      .tuple(one, changes)
      .map(([frame, by]) => attempt(() => decodeFrame(changed(encodeFrame(frame), by))) ?? frame)
    const headerOnly = fc.tuple(one, changes).map(([frame, by]) => ({ ...frame, header: changed(frame.header, by) }))
    const signature = fc
      .tuple(one, changes)
      .map(([frame, by]) => ({ ...frame, signature: changed(frame.signature, by) }))
    const body = fc.tuple(one, fc.uint8Array({ maxLength: 100 })).map(([frame, bytes]) => ({ ...frame, body: bytes }))
    const frames = fc.array(fc.oneof(one, bad, headerOnly, signature, body), { maxLength: 12 })
    fc.assert(
      fc.property(frames, fc.constantFrom('single', 'run'), (batch, mode) => {
        assert.equal(total(journal.ingest(space, batch, mode)) >= batch.length, true)
      }),
      { numRuns: 1_000 },
    )
    // None of it was believed: the log heads are those of the frames that were really written.
    const genuine = new Set(FRAMES.map((frame) => JSON.stringify([...frame.header])))
    for (const record of journal.records({ limit: 1_000 }).slice(1)) {
      const stored = journal.frame(record.id)
      assert.ok(stored === undefined || genuine.has(JSON.stringify([...stored.header])))
    }
  })
})
