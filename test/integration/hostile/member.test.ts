import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeCbor, type SpaceId } from '../../../src/base/index.ts'
import { createNode, type PlexusNode } from '../../../src/index.ts'
import { encodeFrame, encodeFrames, type Frame } from '../../../src/records/index.ts'
import { eventually, Profiles } from '../../support/profiles.ts'

interface Status {
  readonly records: number
  readonly components: readonly {
    readonly name: string
    readonly state: string
    readonly figures?: Readonly<Record<string, number>>
  }[]
}

/** A frame of the liar's own making, with a byte of one of its parts turned over. */
function tampered(frame: Frame, part: 'header' | 'signature' | 'body'): Frame {
  const bytes = Uint8Array.from(frame[part] ?? [])
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  return { ...frame, [part]: bytes }
}

/** The same array head in a longer encoding: valid CBOR, and not the one that a record may have. */
function notCanonical(header: Uint8Array): Uint8Array {
  assert.equal(header[0], 0x8e, 'an array of fourteen')
  return Uint8Array.from([0x98, 0x0e, ...header.subarray(1)])
}

async function shareOne(
  node: PlexusNode,
  text: string,
): Promise<{ readonly space: SpaceId; readonly frame: Frame; readonly id: string }> {
  const { thought } = (await node.call('thought.share', { text })) as {
    thought: { id: string; space: { id: SpaceId } }
  }
  const record = node.journal.record(thought.id as never)
  assert.ok(record !== undefined)
  const [frame] = node.journal.frames(record.space, record.author, record.log, record.seq, record.seq)
  assert.ok(frame !== undefined)
  return { space: record.space, frame, id: thought.id }
}

test('a member that sends truncated, oversized, non-canonical and forged frames harms nobody, and loses none of its own', async () => {
  await using profiles = new Profiles()
  const [ada, bohr] = [profiles.peer('ada'), profiles.peer('bohr')]
  await profiles.joined('ada', 'bohr')
  const { ticket } = await ada.plexus<{ ticket: string }>('invite')
  await using liar = await createNode({
    folder: join(profiles.home, 'liar'),
    name: 'liar',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
  })
  await liar.call('space.join', { ticket })
  const honest = await shareOne(liar, 'an honest thought of a liar')
  const { space, frame } = honest
  const topic = `space/${space}/records`
  const whole = encodeFrames([frame])
  const bodies: readonly Uint8Array[] = [
    new Uint8Array(0),
    whole.subarray(0, whole.byteLength - 7),
    Uint8Array.from([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    encodeCbor([encodeCbor([new Uint8Array(100_000), new Uint8Array(64), null])]),
    encodeFrames([{ ...frame, header: notCanonical(frame.header) }]),
    ...(['header', 'signature', 'body'] as const).map((part) => encodeFrames([tampered(frame, part)])),
    encodeFrame(frame),
    Uint8Array.from({ length: 60_000 }, (_, index) => (index * 31) & 0xff),
  ]
  for (const body of bodies) await liar.bus.publish(topic, 'record.live', body)

  const sync = await eventually(async () => {
    const { components } = await ada.plexus<Status>('status')
    const figures = components.find((component) => component.name === 'sync')?.figures ?? {}
    return (figures.peersCutOff ?? 0) > 0 ? figures : undefined
  })
  assert.ok((sync['fault:malformed'] ?? 0) + (sync['fault:bad-records'] ?? 0) >= 3, JSON.stringify(sync))

  // The honest record is kept, with its author's signature; everybody else goes on as before.
  const { thought } = await ada.plexus<{ thought: { id: string } }>('think', 'ada goes on')
  for (const [peer, id] of [
    [bohr, thought.id],
    [ada, honest.id],
    [bohr, honest.id],
  ] as const) {
    await eventually(async () => {
      const { thoughts } = await peer.plexus<{ thoughts: { id: string; signature: string }[] }>(
        'recall',
        '--limit',
        '50',
      )
      return thoughts.find((candidate) => candidate.id === id && candidate.signature === 'valid')
    })
  }
  const { components, records } = await ada.plexus<Status>('status')
  assert.ok(
    components.every((component) => component.state === 'ok'),
    JSON.stringify(components),
  )
  assert.equal(records, (await ada.plexus<Status>('status')).records)
})
