/** A reporter for node:test that writes one line of JSON: what the runner itself counted over all files. */
// biome-ignore lint/style/noDefaultExport: a reporter module must have one
export default async function* totals(source) {
  for await (const { type, data } of source) {
    if (type === 'test:summary' && data.file === undefined) yield `${JSON.stringify(data.counts)}\n`
  }
}
