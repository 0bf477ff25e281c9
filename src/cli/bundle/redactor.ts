import { isIPv6 } from 'node:net'
import { isPeerId, REDACTED, shortPeerId } from '../../base/index.ts'
import { secretForms } from './secret-forms.ts'

export interface RedactorInit {
  /** Keys and tokens, as they stand in their files. */
  readonly secrets: readonly string[]
  /** Of peers, spaces, people and machines; none to leave them. */
  readonly names: Iterable<string>
  readonly shortenAddresses: boolean
  /** The home folder of the user, shown as `~`. */
  readonly home: string
}

const TICKET = /plexus1[a-z2-7]{16,}/gi
const BEARER = /(bearer\s+|[?&#](?:t|token)=)[^\s"'&]+/gi
const PEER_ID = /\b12D3KooW[1-9A-HJ-NP-Za-km-z]{44}\b/g
/** Ids of traces have 32 digits; what is longer may be a key, and twelve digits tell one id from another. */
const LONG_HEX = /\b[0-9a-f]{33,}\b/gi
/** What else may be a key in some encoding. */
const LONG_WORD = /[A-Za-z0-9+_-]{43,}={0,2}/g
const IPV4 = /\b(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}\b/g
const IPV6 = /(?<![0-9a-z:])[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*/gi
const HOST_IN_ADDRESS = /(\/dns(?:addr|[46])?\/)[^/\s"]+/g
const LOCAL_IPV4 = /^(?:127\.|0\.0\.0\.0$)/
/** The default of everybody says nothing of anybody. */
const NO_NAMES: ReadonlySet<string> = new Set(['', 'default', 'home', 'plexus', 'root', 'localhost'])

/** Takes out of texts and values what is nobody else's business. One name is replaced by the same words everywhere. */
export class Redactor {
  readonly #secrets: readonly string[]
  readonly #names: ReadonlyMap<string, string>
  readonly #namePattern: RegExp | undefined
  readonly #init: RedactorInit
  #count = 0

  constructor(init: RedactorInit) {
    this.#init = init
    this.#secrets = init.secrets.flatMap(secretForms).sort((a, b) => b.length - a.length)
    const names = [...new Set(init.names)].filter((name) => !NO_NAMES.has(name.toLowerCase()))
    this.#names = new Map(names.map((name, index) => [name, `<name ${index + 1}>`]))
    const longestFirst = names.toSorted((a, b) => b.length - a.length).map((name) => RegExp.escape(name))
    if (longestFirst.length > 0) {
      this.#namePattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${longestFirst.join('|')})(?![\\p{L}\\p{N}])`, 'gu')
    }
  }

  /** How many places were changed. */
  get count(): number {
    return this.#count
  }

  /** The same value, with all its texts redacted. Fields that are secret by their name are left out. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map((item) => this.value(item))
    if (typeof value !== 'object' || value === null) return value
    const fields = Object.entries(value).filter(([key]) => !REDACTED.includes(key))
    return Object.fromEntries(fields.map(([key, field]) => [this.text(key), this.value(field)]))
  }

  text(text: string): string {
    let clean = this.withoutSecrets(text)
    clean = this.#replace(clean, TICKET, () => '[ticket]')
    clean = this.#replace(clean, BEARER, (_, before) => `${before}[token]`)
    if (this.#init.home.length > 1) clean = clean.replaceAll(this.#init.home, '~')
    if (this.#namePattern !== undefined) {
      clean = this.#replace(clean, this.#namePattern, (name) => this.#names.get(name) ?? '<name>')
    }
    if (this.#init.shortenAddresses) clean = this.#addresses(clean)
    clean = this.#replace(clean, PEER_ID, (id) => (isPeerId(id) ? shortPeerId(id) : '[key]'))
    clean = this.#replace(clean, LONG_HEX, (hex) => `${hex.slice(0, 12)}…`)
    return this.#replace(clean, LONG_WORD, (word) => (word.includes('-') && !/\d/.test(word) ? word : '[key]'))
  }

  /** The last look at a whole file: whatever made it, no key of ours is in it, in whatever encoding. */
  withoutSecrets(text: string): string {
    let clean = text
    for (const secret of this.#secrets) {
      if (!clean.includes(secret)) continue
      clean = clean.replaceAll(secret, '[secret]')
      this.#count++
    }
    return clean
  }

  #addresses(text: string): string {
    const short4 = this.#replace(text, IPV4, (ip, a, b) => (LOCAL_IPV4.test(ip) ? ip : `${a}.${b}.x.x`))
    const short6 = this.#replace(short4, IPV6, (ip) => {
      const isLocal = ip === '::' || ip === '::1'
      return isLocal || !isIPv6(ip) ? ip : `${ip.split(':').slice(0, 2).join(':')}:x`
    })
    return this.#replace(short6, HOST_IN_ADDRESS, (_, before) => `${before}[host]`)
  }

  #replace(text: string, pattern: RegExp, by: (found: string, ...groups: string[]) => string): string {
    return text.replace(pattern, (found: string, ...rest: unknown[]) => {
      const put = by(found, ...(rest.filter((group) => typeof group === 'string') as string[]))
      if (put !== found) this.#count++
      return put
    })
  }
}
