import { bytesOfHex, HASH_BYTES, hexOf, sha256 } from '../base/index.ts'

const MODULUS = 1n << BigInt(HASH_BYTES * 8)

/**
 * A fingerprint of a set of logs with their heads: the sum modulo 2^256 of one hash per log, so that it changes with a head
 * at the cost of that head alone. Equal sets have equal sums. Different sets with equal sums can be made by whoever may choose
 * heads freely: that delays sync and makes nobody believe anything.
 */
export class Fingerprint {
  #sum = 0n

  add(term: bigint): void {
    this.#sum = (this.#sum + term) % MODULUS
  }

  remove(term: bigint): void {
    this.#sum = (this.#sum - term + MODULUS) % MODULUS
  }

  /** 32 bytes, big-endian. */
  get bytes(): Uint8Array {
    return bytesOfHex(this.#sum.toString(16).padStart(HASH_BYTES * 2, '0'))
  }
}

/** What a log adds to the sum: SHA-256 over device (32 bytes), log name (8) and id of the head (32). */
export function termOf(device: Uint8Array, log: Uint8Array, headId: Uint8Array): bigint {
  return BigInt(`0x${hexOf(sha256(device, log, headId))}`)
}
