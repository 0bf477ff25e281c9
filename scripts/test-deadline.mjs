/**
 * Preloaded into the process of every test file: a file that does not end in time is ended here, and says what kept it
 * alive. (The runner's own time-out ends a test, but not a process that a forgotten timer or socket holds open.)
 */
const deadlineMs = Number(process.env.TEST_FILE_DEADLINE_MS)

if (process.env.NODE_TEST_CONTEXT !== undefined && deadlineMs > 0) {
  const timer = setTimeout(() => {
    const alive = process.getActiveResourcesInfo().join(', ')
    process.stderr.write(`${process.argv[1]} did not end within ${deadlineMs / 1000} s; still alive: ${alive}\n`)
    process.exit(1)
  }, deadlineMs)
  timer.unref()
}
