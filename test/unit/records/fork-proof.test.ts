import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeForkProof, encodeForkProof, type ForkProof, LOG_CLASS } from '../../../src/records/index.ts'
import { Author, foundedBy, REFUSED, rig, UNKNOWN, type Written } from './fixture.ts'
import { about, choice, endAt, five, type Ruled, ruled, ruling, trailOf } from './rule-authority.ts'

/** Two records, and two futures of three each. */
function equivocation(space: Ruled['space']) {
  const author = new Author(3, space)
  const common = [1, 2].map((n) => author.write(about(n)))
  const twin = author.twin()
  return { common, a: [3, 4, 5].map((n) => author.write(about(n))), b: [6, 7, 8].map((n) => twin.write(about(n))) }
}

function proofOf({ frame: a }: Written, { frame: b }: Written): ForkProof {
  return { headerA: a.header, signatureA: a.signature, headerB: b.header, signatureB: b.signature }
}

describe('a proof of a fork', () => {
  it('freezes a log of which neither branch is held, and one of which nothing is', () => {
    const { journal, space, ingest, headOf } = ruled()
    const { common, a, b } = equivocation(space)
    ingest(common.slice(0, 1))
    const forks: number[] = []
    journal.events.on('log:forked', ({ seq }) => forks.push(seq))
    assert.equal(journal.addForkProof(space, proofOf(a[0]!, b[0]!)), 'new')
    assert.equal(journal.addForkProof(space, proofOf(b[0]!, a[0]!)), 'known')
    assert.deepEqual(ingest([...common, ...a, ...b]).refused, { frozen: 6 })
    assert.deepEqual([headOf(common[0]!)?.seq, forks], [2, [3]])
    const other = new Author(5, space)
    const [x, y] = [other.twin().write(), other.write()]
    assert.equal(journal.addForkProof(space, proofOf(x, y)), 'new')
    assert.deepEqual(ingest([x, y]).refused, { frozen: 2 })
    assert.equal(journal.forks(space).length, 2)
  })

  it('is in one order and gives way to one of a lower place', () => {
    const { journal, space, ingest, headOf } = ruled()
    const { common, a, b } = equivocation(space)
    ingest([...common, ...a])
    assert.equal(journal.addForkProof(space, proofOf(a[2]!, b[2]!)), 'new')
    assert.equal(headOf(common[0]!)?.seq, 4)
    assert.equal(journal.addForkProof(space, proofOf(a[0]!, b[0]!)), 'new')
    assert.equal(journal.addForkProof(space, proofOf(a[1]!, b[1]!)), 'known')
    assert.equal(headOf(common[0]!)?.seq, 2)
    const forks = journal.forks(space)
    assert.deepEqual([forks.length, forks[0]?.seq], [1, 3])
    const { headerA, headerB } = forks[0]!.proof
    const ids = [a[0]!, b[0]!].toSorted((one, other) => (one.id < other.id ? -1 : 1))
    assert.deepEqual(
      [headerA, headerB],
      ids.map(({ frame }) => frame.header),
    )
    assert.deepEqual(decodeForkProof(encodeForkProof(forks[0]!.proof)), forks[0]!.proof)
  })

  it('is refused when it proves nothing', () => {
    const { journal, authority, space, genesis, founder } = ruled()
    const { common, a, b } = equivocation(space)
    const good = proofOf(a[0]!, b[0]!)
    const strangers = foundedBy(8)
    const rival = () => new Author(2, space, LOG_CLASS.control)
    const wrong: readonly ForkProof[] = [
      { ...good, signatureA: good.signatureB },
      { ...good, signatureB: new Uint8Array(3) },
      { ...good, headerA: new Uint8Array(9) },
      proofOf(a[0]!, a[0]!),
      proofOf(a[0]!, b[1]!),
      proofOf(common[0]!, new Author(7, space).write()),
      proofOf(new Author(3, strangers.space).write(), new Author(3, strangers.space).twin().write()),
      // The place of the genesis.
      proofOf(rival().write({ kind: 2 }), rival().twin().write({ kind: 2 })),
    ]
    for (const proof of wrong) assert.equal(journal.addForkProof(space, proof), 'refused')
    assert.equal(journal.addForkProof(strangers.space, good), 'refused')
    for (const verdict of [UNKNOWN, REFUSED]) {
      authority.verdicts.set(a[0]!.author, verdict)
      assert.equal(journal.addForkProof(space, good), 'refused')
    }
    assert.deepEqual(journal.forks(space), [])
    assert.equal(journal.heads(space)[0]?.id, genesis.id)
    assert.equal(founder.log[0], 0)
  })

  it('of a control log takes back what was said after it', () => {
    const made = ruled()
    const { journal, space, founder, say, headOf } = made
    const written = five(made)
    const twin = founder.twin()
    say(ruling(written[0]!, endAt(1, written[0]!.id), 1))
    assert.equal(headOf(written[0]!)?.seq, 1)
    const held = journal.frames(space, made.genesis.author, made.genesis.log, 2, 2)[0]!
    const { frame } = twin.write({ kind: 2 })
    const proof = {
      headerA: held.header,
      signatureA: held.signature,
      headerB: frame.header,
      signatureB: frame.signature,
    }
    assert.equal(journal.addForkProof(space, proof), 'new')
    assert.equal(headOf(written[0]!)?.seq, 5)
    assert.equal(headOf(made.genesis)?.seq, 1)
  })

  it('cannot be shown while the signature of one side is bad, and can once a good one came', () => {
    const { journal, space, ingest } = ruled()
    const { common, a, b } = equivocation(space)
    const badlySigned = { ...a[0]!, frame: { ...a[0]!.frame, signature: new Uint8Array(64).fill(1) } }
    ingest([...common, badlySigned, ...a.slice(1)], 'run')
    assert.deepEqual(ingest([b[0]!]).refused, { fork: 1 })
    assert.deepEqual(journal.forks(space), [])
    assert.equal(journal.addForkProof(space, proofOf(a[0]!, b[0]!)), 'new')
    assert.equal(journal.forks(space).length, 1)
  })
})

describe('a choice between branches', () => {
  it('lets one stand, whichever was held', () => {
    const tables = ['a', 'b'].flatMap((held) =>
      ['a', 'b'].map((chosen) => {
        const made = ruled()
        const { database, space, ingest, say, headOf, journal } = made
        const { common, a, b } = equivocation(space)
        const branches = { a, b } as const
        ingest([...common, ...branches[held as 'a']])
        const other = held === 'a' ? b : a
        ingest(other.slice(0, 1))
        const branch = branches[chosen as 'a']
        say(ruling(common[0]!, choice(3, branch[0]!.id, 5, branch[2]!.id), 1))
        ingest([...a, ...b])
        assert.deepEqual([headOf(common[0]!)?.seq, headOf(common[0]!)?.id], [5, branch[2]!.id])
        const more = journal.voided(space).map(({ from, first }) => [from, first])
        assert.ok(more.every(([, first]) => first !== branch[0]!.id))
        return [chosen, trailOf(database)]
      }),
    )
    assert.deepEqual(tables, [
      ['a', '1 2 3 4 5'],
      ['b', '1 2 6 7 8'],
      ['a', '1 2 3 4 5'],
      ['b', '1 2 6 7 8'],
    ])
  })

  it('may come before the fork is known', () => {
    const { space, ingest, say, headOf, database } = ruled()
    const { common, a, b } = equivocation(space)
    ingest([...common, ...a])
    say(ruling(common[0]!, choice(3, b[0]!.id, 5, b[2]!.id), 1))
    assert.equal(headOf(common[0]!)?.seq, 2)
    assert.equal(ingest(b).stored, 3)
    assert.equal(trailOf(database), '1 2 6 7 8')
  })

  it('does not excuse another fork of the chosen branch', () => {
    const { space, ingest, say, headOf, journal } = ruled()
    const author = new Author(3, space)
    const common = author.writeMany(2)
    const other = author.twin().write()
    const three = author.write()
    const again = author.twin()
    const [four, five] = author.writeMany(2)
    ingest([...common, three, other])
    say(ruling(three, choice(3, three.id, 5, five!.id), 1))
    ingest([three, four!, five!])
    assert.equal(headOf(three)?.seq, 5)
    assert.deepEqual(ingest([again.write()]).refused, { fork: 1 })
    assert.equal(headOf(three)?.seq, 3)
    assert.deepEqual(
      journal.forks(space).map(({ seq }) => seq),
      [3, 4],
    )
  })
})

describe('the numbers of records in this store', () => {
  it('are never given twice, not even after the last were voided and the store was opened again', () => {
    const { journal, database, space, ingest } = ruled()
    const { common, a, b } = equivocation(space)
    ingest([...common, ...a])
    const last = journal.record(a[2]!.id)!.rid
    journal.addForkProof(space, proofOf(a[0]!, b[0]!))
    const again = rig({ database }).journal
    const next = new Author(6, space).write()
    again.ingest(space, [next.frame], 'single')
    assert.equal(again.record(next.id)?.rid, last + 1)
  })
})
