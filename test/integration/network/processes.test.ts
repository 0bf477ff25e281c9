import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type PeerId, silentLogger, systemRandom, VirtualClock } from '../../../src/base/index.ts'
import { libp2pTransport, type Transport } from '../../../src/network/index.ts'
import type { Hello } from './echo-peer.ts'

const ECHO_PEER = new URL('./echo-peer.ts', import.meta.url)

async function otherProcess(mode: 'serve' | 'stop'): Promise<{ child: ChildProcess; hello: Hello }> {
  const child = fork(ECHO_PEER, [mode])
  const [hello] = (await once(child, 'message')) as [Hello]
  return { child, hello }
}

async function peer(clock: VirtualClock): Promise<Transport> {
  const transport = await libp2pTransport({ deviceSeed: systemRandom().bytes(32) })({ clock, log: silentLogger() })
  await transport.start()
  return transport
}

describe('peers in other processes', () => {
  test('one that is killed is missed at once', { timeout: 30_000 }, async () => {
    await using transport = await peer(new VirtualClock())
    const { child, hello } = await otherProcess('serve')
    await transport.dial(hello.peer, hello.addresses)
    const channel = await transport.open(hello.peer, '/plexus-test/echo/1')
    await channel.send(Uint8Array.of(1))
    assert.deepEqual([...((await channel.read()) ?? [])], [1])
    const gone = transport.events.next('peer:disconnect', { signal: AbortSignal.timeout(20_000) })
    const reading = assert.rejects(channel.read(), { code: 'ERR_CHANNEL_CLOSED' })
    child.kill('SIGKILL')
    assert.equal((await gone).peer, hello.peer)
    await reading
  })

  test('one that is frozen is waited for no longer than the deadline', { timeout: 30_000 }, async () => {
    const clock = new VirtualClock()
    const transport = await peer(clock)
    const { child, hello } = await otherProcess('serve')
    await transport.dial(hello.peer, hello.addresses)
    child.kill('SIGSTOP')
    const opening = assert.rejects(transport.open(hello.peer, '/plexus-test/echo/1'), { code: 'ERR_TIMEOUT' })
    await setImmediate()
    clock.advance(5_000)
    await opening
    assert.equal(transport.links().length, 1, 'whether it is dead is for others to decide')
    await transport.stop()
    child.kill('SIGKILL')
  })

  test('a process whose peer has stopped ends by itself', { timeout: 30_000 }, async () => {
    await using transport = await peer(new VirtualClock())
    const { child, hello } = await otherProcess('stop')
    const ended = once(child, 'exit')
    await transport.dial(hello.peer as PeerId, hello.addresses)
    child.send('stop')
    assert.deepEqual(await ended, [0, null])
  })
})
