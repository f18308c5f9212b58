// Reads the few numbers of `/metrics` that are shown.
export type Metrics = string;

/** The sum of a metric over its labels. */
export function sum(text: Metrics, name: string): number {
  let total = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const after = line[name.length];
    if (after !== ' ' && after !== '{') continue;
    const rest = line.slice(after === '{' ? line.lastIndexOf('}') + 1 : name.length);
    total += Number(rest.trim().split(' ')[0]);
  }
  return total;
}
