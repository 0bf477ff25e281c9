const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const THOUSANDS = ['', ' k', ' M', ' G']

/** `0 B`, `4.2 KiB`, `112 MiB`. */
export function byteCount(bytes: number): string {
  return scaled(
    bytes,
    1_024,
    UNITS.map((unit) => ` ${unit}`),
  )
}

/** `0/s`, `0.5/s`, `12.3 k/s`. */
export function perSecond(rate: number): string {
  return `${scaled(rate, 1_000, THOUSANDS)}/s`
}

/** Of one core: `0.8 %`. */
export function percent(part: number): string {
  const value = part * 100
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} %`
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let at = 0
  let rest = value
  while (rest >= base - 0.5 && at < units.length - 1) {
    rest /= base
    at++
  }
  const digits = rest >= 10 || Number.isInteger(rest) ? rest.toFixed(0) : rest.toFixed(1)
  return `${digits}${units[at] ?? ''}`
}
