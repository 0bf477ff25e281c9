/** Starts a peer, or nothing, and tells what it costs to have it. Plain JavaScript: the compiler of types has no part in it. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Until what a start leaves behind is done with. */
const SETTLE_MS = 2_000
const WINDOW_MS = 5_000
const RELEASE_MS = 1_000

using folder = mkdtempDisposableSync(join(tmpdir(), 'plexus-bench-'))
await using started = new AsyncDisposableStack()
const over = new Promise((resolve) => process.once('disconnect', resolve))
if (process.argv[2] === 'peer') {
  const { createNode } = await import('plexus')
  started.use(await createNode({ folder: folder.path, name: 'idle', listen: ['/ip4/127.0.0.1/tcp/0'] }))
}
await pause(SETTLE_MS)
const before = process.cpuUsage()
await pause(WINDOW_MS)
const { user, system } = process.cpuUsage(before)
const asItStands = process.memoryUsage.rss()
globalThis.gc()
// Pages that the collection freed are given back in the background.
await pause(RELEASE_MS)
process.send({
  rssMiB: process.memoryUsage.rss() / 2 ** 20,
  uncollectedMiB: asItStands / 2 ** 20,
  cpuPercent: (user + system) / 10 / WINDOW_MS,
})
await over

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
