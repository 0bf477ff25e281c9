const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
/** Anything shorter would be found where it is not meant. */
const SECRET_MIN_CHARS = 16

/** Every way in which a secret that is written in hexadecimal, or as it is, might stand in a text. */
export function secretForms(secret: string): readonly string[] {
  if (secret.length < SECRET_MIN_CHARS) return []
  const bytes = /^(?:[0-9a-f]{2})+$/i.test(secret) ? Buffer.from(secret, 'hex') : Buffer.from(secret)
  const hex = bytes.toString('hex')
  const base64 = bytes.toString('base64').replace(/=+$/, '')
  const forms = [
    secret,
    hex,
    hex.toUpperCase(),
    base64,
    bytes.toString('base64url'),
    base58(bytes),
    [...bytes].join(','),
  ]
  return [...new Set([...forms, base32(bytes), base32(bytes).toUpperCase(), bytes.toString('latin1')])]
}

function base58(bytes: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (; rest > 0n; rest /= 58n) text = BASE58.charAt(Number(rest % 58n)) + text
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return '1'.repeat(Math.max(0, zeros)) + text
}

function base32(bytes: Uint8Array): string {
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => BASE32.charAt(Number.parseInt(five.padEnd(5, '0'), 2))).join('')
}

/** What the fields of a key file hold that are secret by their name; those of keys that are to take over lie one deeper. */
export function secretsIn(fields: object): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return secretsIn(value)
    return /seed|key|secret/i.test(name) && typeof value === 'string' ? [value] : []
  })
}
