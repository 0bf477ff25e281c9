/** Opens the store at a path as a peer does when it starts, and says how long that took and what it holds in memory. */
import { openJournal, ROW_VIEW } from '../records/open-journal.ts'

const [path = ''] = process.argv.slice(2)
const start = performance.now()
const { journal, close } = openJournal(path, ROW_VIEW)
const heads = journal.spaces().reduce((sum, space) => sum + journal.heads(space).length, 0)
const { records } = journal.figures()
const ms = performance.now() - start
console.log(JSON.stringify({ ms, records, heads, rssBytes: process.memoryUsage.rss() }))
close()
