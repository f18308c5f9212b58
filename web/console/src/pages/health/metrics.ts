// Reads the few numbers of `/metrics` that are shown.
export type Metrics = string;

/** The sum of a metric over its labels. */
export function sum(text: Metrics, name: string): number {
  let total = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const after = line[name.length];
    if (after === ' ' || after === '{')
      total += Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .split(' ')
          .at(after === '{' ? 0 : -1),
      );
  }
  return total;
}
