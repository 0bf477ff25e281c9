/** Calls `run` when the event loop has handled what arrived in this turn. */
export function endOfTurn(run: () => void): void {
  setImmediate(run)
}
