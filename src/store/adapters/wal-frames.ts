import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { errnoOf } from '../../base/index.ts'

/** The write-ahead log of SQLite (https://www.sqlite.org/fileformat2.html#walformat). */
const HEADER_BYTES = 32
const CHECKED_BYTES = 24
const FRAME_HEADER_BYTES = 24
const MAGICS: ReadonlySet<number> = new Set([0x377f0682, 0x377f0683])

/**
 * How many frames of a write-ahead log were written up to the last that ended a transaction, whatever lies between: 0 without a log,
 * infinite when its beginning cannot be read. SQLite takes a log for over at the first frame with a wrong checksum; if it finds fewer
 * frames than this, transactions that were committed are gone.
 */
export function committedFrames(walPath: string): number {
  const file = openIfThere(walPath)
  if (file === undefined) return 0
  try {
    const { size } = fstatSync(file)
    if (size === 0) return 0
    const header = Buffer.alloc(HEADER_BYTES)
    readSync(file, header, 0, HEADER_BYTES, 0)
    if (size < HEADER_BYTES || !isSound(header)) return Number.POSITIVE_INFINITY
    return lastCommit(file, { size, pageBytes: header.readUInt32BE(8), salts: header.subarray(16, 24) })
  } finally {
    closeSync(file)
  }
}

/** Whether the header has the checksum of its first 24 bytes. The lowest bit of the magic tells the order of bytes. */
function isSound(header: Buffer): boolean {
  const magic = header.readUInt32BE(0)
  if (!MAGICS.has(magic)) return false
  const word = (at: number): number => ((magic & 1) === 1 ? header.readUInt32BE(at) : header.readUInt32LE(at))
  let [first, second] = [0, 0]
  for (let at = 0; at < CHECKED_BYTES; at += 8) {
    first = (first + word(at) + second) >>> 0
    second = (second + word(at + 4) + first) >>> 0
  }
  return first === header.readUInt32BE(CHECKED_BYTES) && second === header.readUInt32BE(CHECKED_BYTES + 4)
}

/** Frames of an earlier round of the log carry other salts. */
function lastCommit(
  file: number,
  { size, pageBytes, salts }: { readonly size: number; readonly pageBytes: number; readonly salts: Buffer },
): number {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES)
  const frameBytes = FRAME_HEADER_BYTES + pageBytes
  let last = 0
  for (let n = 1, at = HEADER_BYTES; at + frameBytes <= size; n++, at += frameBytes) {
    readSync(file, frame, 0, FRAME_HEADER_BYTES, at)
    const isCommit = frame.readUInt32BE(4) !== 0
    if (isCommit && frame.subarray(8, 16).equals(salts)) last = n
  }
  return last
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
