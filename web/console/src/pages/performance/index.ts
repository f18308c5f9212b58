// Performance: how fast pages were for those who came, by the web vitals.
import { useState } from 'preact/hooks';
import { usePoll } from '../../api/poll';
import type { Report } from '../../api/types';
import { count, share } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer, Choice, Empty, Meter, Panel, Table } from '../../ui/parts';
import { Period, report } from '../../ui/period';

const LOOK_MS = 30_000;

interface Vital {
  metric: string;
  path?: string;
  samples: number;
  p75: number;
  rating: string;
  good: number;
  needs_improvement: number;
  poor: number;
}

/** Name, and up to where a value is good and beyond where it is poor. */
const METRICS: Record<string, [string, number, number]> = {
  LCP: ['Largest content painted', 2500, 4000],
  INP: ['Interaction to next paint', 200, 500],
  CLS: ['Layout shift', 0.1, 0.25],
  FCP: ['First content painted', 1800, 3000],
  TTFB: ['First byte', 800, 1800],
};
const ORDER = Object.keys(METRICS);
const TONES: Record<string, 'good' | 'warn' | 'bad'> = {
  good: 'good',
  'needs-improvement': 'warn',
  needs_improvement: 'warn',
  poor: 'bad',
};
const WORDS: Record<string, string> = { good: 'good', warn: 'needs improvement', bad: 'poor' };

export function Performance() {
  const all = usePoll<Report<Vital>>(report('vitals'), LOOK_MS);
  return html`<${Period} title="Performance" isFiltered />
    <div class="stack">
      <${Answer} of=${all}>
        ${({ rows }: Report<Vital>) =>
          rows.length === 0
            ? html`<section class="panel">
                <${Empty}
                  what="No web vitals in this time."
                  next=${html`The tracker measures them by itself: <a href="#/sources">install it</a> with <code>sampleVitals</code> above 0.`}
                />
              </section>`
            : html`<div class="grid">
                  ${inOrder(rows).map((vital) => html`<${Card} key=${vital.metric} of=${vital} />`)}
                </div>
                <${ByPage} of=${inOrder(rows).map(({ metric }) => metric)} />`}
      <//>
    </div>`;
}

const inOrder = (rows: Vital[]): Vital[] => [...rows].sort((a, b) => ORDER.indexOf(a.metric) - ORDER.indexOf(b.metric));

const shown = (metric: string, value: number): string =>
  metric === 'CLS' ? value.toFixed(2) : value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${Math.round(value)} ms`;

/** The three parts of a bar, as parts of one. */
function parts({ samples, good, needs_improvement: middle, poor }: Vital) {
  // Counts or shares: what adds up to more than one is counted.
  const all = good + middle + poor > 1.5 ? samples || 1 : 1;
  return [
    { tone: 'good' as const, share: good / all },
    { tone: 'warn' as const, share: middle / all },
    { tone: 'bad' as const, share: poor / all },
  ];
}

const saying = (vital: Vital): string =>
  parts(vital)
    .map(({ tone, share: part }) => `${share(part)} ${WORDS[tone]}`)
    .join(', ');

function Card({ of }: { of: Vital }) {
  const [name, good, poor] = METRICS[of.metric] ?? [of.metric, 0, 0];
  const tone = TONES[of.rating] ?? 'warn';
  return html`<${Panel}
    title=${`${name} (${of.metric})`}
    tools=${html`<span class=${`chip ${tone}`}>${WORDS[tone]}</span>`}
  >
    <div class="vital">
      <p>
        <span class="value">${shown(of.metric, of.p75)}</span>${' '}<span class="muted">at p75 of ${count(of.samples)} views</span>
      </p>
      <${Meter} label=${saying(of)} parts=${parts(of)} />
      <p class="small muted">
        ${saying(of)}. Good up to ${shown(of.metric, good)}, poor beyond ${shown(of.metric, poor)}.
      </p>
    </div>
  <//>`;
}

function ByPage({ of }: { of: string[] }) {
  const [metric, choose] = useState(of[0] ?? 'LCP');
  const answer = usePoll<Report<Vital>>(report('vitals', { by: 'path', limit: 1000 }), LOOK_MS);
  const tools = html`<${Choice}
    tabs
    label="Metric"
    of=${of.map((one) => [one, one])}
    value=${metric}
    choose=${choose}
  />`;
  return html`<${Panel} title="By page" tools=${tools} flush>
    <${Answer} of=${answer}>
      ${({ rows }: Report<Vital>) => {
        const listed = rows
          .filter((row) => row.metric === metric)
          .sort((a, b) => b.samples - a.samples)
          .slice(0, 50);
        if (listed.length === 0) return html`<${Empty} what="Not measured on any page." />`;
        return html`<${Table} label="Web vitals by page" head=${[['Page'], ['p75', true], ['Rating'], ['Views', true]]}
          >${listed.map(
            (row) =>
              html`<tr key=${row.path}>
                <td><${Foreign} text=${row.path} /></td>
                <td class="num">${shown(metric, row.p75)}</td>
                <td>
                  <span class=${`chip ${TONES[row.rating] ?? 'warn'}`} title=${saying(row)}
                    >${WORDS[TONES[row.rating] ?? 'warn']}</span
                  >
                </td>
                <td class="num">${count(row.samples)}</td>
              </tr>`,
          )}<//
        >`;
      }}
    <//>
  <//>`;
}
