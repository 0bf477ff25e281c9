/**
 * `npm run record`: runs the demonstration and draws what it printed, at the pace at which it did, as docs/demonstration.svg.
 * The README shows it; whoever changes the demonstration runs this again.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const DEMO = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
const TARGET = new URL('../docs/demonstration.svg', import.meta.url)
const COLUMNS = 124
const CHAR_WIDTH = 8.4
const LINE_HEIGHT = 20
const MARGIN = 18

interface Line {
  readonly text: string
  readonly atSeconds: number
}

const lines = await record()
writeFileSync(TARGET, draw(lines))
process.stdout.write(`${lines.length} lines drawn\n`)

/** Lines with the time of their printing; long ones are folded as a terminal would. */
async function record(): Promise<readonly Line[]> {
  const started = performance.now()
  const child = spawn(process.execPath, [DEMO], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const recorded: Line[] = [{ text: '$ npm start', atSeconds: 0 }]
  for await (const text of createInterface({ input: child.stdout })) {
    const atSeconds = (performance.now() - started) / 1_000
    for (let from = 0; from === 0 || from < text.length; from += COLUMNS) {
      recorded.push({ text: text.slice(from, from + COLUMNS), atSeconds })
    }
  }
  const code = await ended
  if (code !== 0) throw new Error(`the demonstration ended with exit code ${code}`)
  return recorded
}

function draw(recorded: readonly Line[]): string {
  const width = Math.ceil(COLUMNS * CHAR_WIDTH + 2 * MARGIN)
  const height = recorded.length * LINE_HEIGHT + 2 * MARGIN
  const rows = recorded.map(({ text, atSeconds }, index) => {
    const y = MARGIN + (index + 0.75) * LINE_HEIGHT
    const style = `style="animation-delay:${atSeconds.toFixed(2)}s"`
    return `<text xml:space="preserve" class="${classOf(text)}" x="${MARGIN}" y="${y}" ${style}>${escapeXml(text)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The output of npm start">
<style>
text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d7dce2;white-space:pre;animation:show .01s both}
.ok{fill:#7fd88f}.head{font-weight:bold;fill:#fff}.prompt{fill:#8ab4f8}
@keyframes show{from{opacity:0}to{opacity:1}}
@media (prefers-reduced-motion:reduce){text{animation:none}}
</style>
<rect width="100%" height="100%" rx="10" fill="#14181d"/>
${rows.join('\n')}
</svg>
`
}

function classOf(text: string): string {
  if (text.startsWith('$')) return 'prompt'
  if (/^(Plexus|Summary)/.test(text)) return 'head'
  return /^\s+ok\s/.test(text) ? 'ok' : 'said'
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
