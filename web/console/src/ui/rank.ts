// What there is most of: names with bars behind them.
import { brief } from './format';
import { Foreign, html } from './html';
import { Empty } from './parts';

export interface Ranked {
  key: string;
  text?: string;
  value: number;
}

interface RankProps {
  of: Ranked[];
  /** What the names are, and what the numbers are. */
  head: [string, string];
  empty: string;
  choose?: ((key: string) => void) | undefined;
}

export function Rank({ of, head, empty, choose }: RankProps) {
  if (of.length === 0) return html`<${Empty} what=${empty} />`;
  const sorted = [...of].sort((a, b) => b.value - a.value);
  const most = Math.max(1, ...of.map(({ value }) => value));
  return html`<p class="rank-head" aria-hidden="true"><span>${head[0]}</span><span>${head[1]}</span></p>
    <ul class="rank" aria-label=${`${head[0]} by ${head[1].toLowerCase()}`}>
      ${sorted.map(({ key, text, value }) => {
        const name = html`<${Foreign} text=${text ?? key} empty="(none)" />`;
        return html`<li key=${key}>
          <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width=${(100 * value) / most} height="1" />
          </svg>
          <span class="what" title=${text ?? key}
            >${choose ? html`<button type="button" class="link" onClick=${() => choose(key)}>${name}</button>` : name}</span
          >
          <span class="value">${brief(value)}</span>
        </li>`;
      })}
    </ul>`;
}
