/** A small young generation is collected before its buffers are many. Every V8 knows this flag. */
const ALWAYS: readonly string[] = ['--max-semi-space-size=8']

/**
 * Of the V8 in Node 24; another one may refuse to start with flags that it does not know. Buffers then count towards the limit
 * of the whole heap, which begins at 64 MiB, and no longer towards one of their own.
 */
const OF_V8_13_6: readonly string[] = ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=64']

/**
 * How Node is started for the daemon. Networking makes many buffers that die young. By default V8 begins a full collection for every
 * 64 MiB of them, several times a second beside bulk: pauses of 5 to 30 ms, in which all that is urgent waits. With these
 * flags they go with the young generation, a millisecond at a time (docs/benchmarks.md).
 */
export const DAEMON_NODE_FLAGS: readonly string[] = [
  ...ALWAYS,
  ...(process.versions.v8.startsWith('13.6.') ? OF_V8_13_6 : []),
]
