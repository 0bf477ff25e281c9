/** Where the text of a bibliography comes from: yields chunks of any size. Adapter: `readTextFile`. */
export type TextSource = (path: string, signal: AbortSignal) => AsyncIterable<string>
