import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { compiledCodeFolder } from '../../../src/cli/compile-cache.ts'

const home = (): string => '/home/ada'
const noHome = (): string => {
  throw new Error('uv_os_homedir returned ENOENT')
}

suite('compiled code is kept', () => {
  test('below the home folder, where the system keeps caches', () => {
    assert.equal(compiledCodeFolder({}, 'linux', home), join('/home/ada', '.cache', 'plexus'))
    assert.equal(compiledCodeFolder({}, 'darwin', home), join('/home/ada', 'Library', 'Caches', 'plexus'))
  })

  test('where XDG_CACHE_HOME says, if that is absolute', () => {
    assert.equal(compiledCodeFolder({ XDG_CACHE_HOME: '/caches' }, 'linux', home), join('/caches', 'plexus'))
    assert.equal(compiledCodeFolder({ XDG_CACHE_HOME: 'caches' }, 'linux', home), join('/home/ada', '.cache', 'plexus'))
  })

  test('nowhere, for a user without a folder', () => {
    assert.equal(compiledCodeFolder({}, 'linux', noHome), undefined)
    assert.equal(
      compiledCodeFolder({}, 'linux', () => ''),
      undefined,
    )
    assert.equal(compiledCodeFolder({}, 'win32', home), undefined)
  })
})
