import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { areWords, phraseOfSeed, seedOfPhrase, sixWords } from '../../../src/identity/index.ts'

suite('six words', () => {
  test('are the first 66 bits of a hash, eleven a word', () => {
    assert.deepEqual(sixWords(new Uint8Array(32)), Array(6).fill('abandon'))
    assert.deepEqual(sixWords(new Uint8Array(32).fill(0xff)), Array(6).fill('zoo'))
    // 00000000001 00000000010 00000000011 00000000100 00000000101 00000000110 and six bits that are not shown
    const bits = '00000000001000000000100000000001100000000100000000001010000000011011111100000000'
    const hash = Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
    assert.deepEqual(sixWords(hash), ['ability', 'able', 'about', 'above', 'absent', 'absorb'])
  })

  test('a bit beyond them makes no difference, any within does', () => {
    const hash = new Uint8Array(32)
    const flipped = (bit: number): Uint8Array => hash.with(bit >> 3, 0x80 >> (bit & 7))
    for (let bit = 0; bit < 66; bit++) assert.notDeepEqual(sixWords(flipped(bit)), sixWords(hash), `bit ${bit}`)
    assert.deepEqual(sixWords(flipped(66)), sixWords(hash))
  })

  test('are compared without regard to case and blanks, and to nothing else', () => {
    const words = ['one', 'two', 'three', 'four', 'five', 'six']
    assert.ok(areWords(words, ' One two\n three, FOUR  five six '))
    for (const other of [
      '',
      'one two three four five',
      'one two three four five sixt',
      'two one three four five six',
    ]) {
      assert.ok(!areWords(words, other), other)
    }
  })
})

suite('a recovery phrase', () => {
  test('is the one of BIP-39: its published vectors for 256 bits', () => {
    assert.equal(phraseOfSeed(new Uint8Array(32)), `${'abandon '.repeat(23)}art`)
    assert.equal(phraseOfSeed(new Uint8Array(32).fill(0xff)), `${'zoo '.repeat(23)}vote`)
  })

  test('gives back the seed, however it was typed', () => {
    const seed = Uint8Array.from({ length: 32 }, (_, at) => at * 7)
    const phrase = phraseOfSeed(seed)
    assert.equal(phrase.split(' ').length, 24)
    assert.deepEqual(seedOfPhrase(phrase), seed)
    assert.deepEqual(seedOfPhrase(`  ${phrase.toUpperCase().replaceAll(' ', ' \n')} `), seed)
  })

  test('with a wrong word is refused with its place and without its words', () => {
    const phrase = phraseOfSeed(new Uint8Array(32).fill(5))
    const words = phrase.split(' ')
    const refused = (text: string, why: RegExp): void =>
      assert.throws(
        () => seedOfPhrase(text),
        (error: Error & { code?: string; cause?: unknown }) => {
          assert.equal(error.code, 'ERR_RECOVERY_PHRASE')
          assert.match(error.message, why)
          assert.equal(error.cause, undefined)
          for (const word of words) assert.ok(!error.message.includes(` ${word} `))
          return true
        },
      )
    refused(words.with(6, 'plexus').join(' '), /its word 7/)
    refused(words.slice(1).join(' '), /23 words/)
    refused(words.with(0, words[0] === 'zoo' ? 'abandon' : 'zoo').join(' '), /do not belong together/)
  })
})
