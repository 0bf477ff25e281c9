import type { Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

/** What is read at a time. */
export const COPY_BYTES: number = 1024 * 1024

export interface Part {
  readonly from: number
  /** Not included. */
  readonly to: number
}

/** The bytes of a part of a file, in pieces. Ends early where the file does. */
export async function* piecesOf(
  file: FileHandle,
  { from, to }: Part,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(COPY_BYTES)
  for (let at = from; at < to; ) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

export async function addToHash(hash: Hash, file: FileHandle, part: Part, signal?: AbortSignal): Promise<void> {
  for await (const piece of piecesOf(file, part, signal)) hash.update(piece)
}

/** A part that is small enough for memory. Shorter where the file ends early. */
export async function readPart(file: FileHandle, part: Part): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(file, part)) pieces.push(piece.slice())
  return new Uint8Array(Buffer.concat(pieces))
}
