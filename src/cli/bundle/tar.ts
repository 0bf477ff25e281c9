import { gzipSync } from 'node:zlib'

export interface TarFile {
  /** At most 100 bytes, with `/` between folders. */
  readonly path: string
  readonly content: Uint8Array
}

const BLOCK_BYTES = 512
const PATH_MAX_BYTES = 100

/** A gzipped tar archive of plain files (POSIX.1-1988 ustar, readable by its owner only). `at`: milliseconds since 1970. */
export function tarGz(files: readonly TarFile[], at: number): Buffer {
  const blocks = files.flatMap(({ path, content }) => [header(path, content.byteLength, at), padded(content)])
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]))
}

function header(path: string, bytes: number, at: number): Buffer {
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) throw new RangeError(`too long for a tar archive: ${path}`)
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  block.write(path, 0)
  block.write(octal(0o600, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(bytes, 11), 124)
  block.write(octal(Math.floor(at / 1_000), 11), 136)
  // The checksum is taken with blanks in its own place.
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\0' + '00', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function padded(content: Uint8Array): Buffer {
  const rest = content.byteLength % BLOCK_BYTES
  return Buffer.concat([content, Buffer.alloc(rest === 0 ? 0 : BLOCK_BYTES - rest)])
}
