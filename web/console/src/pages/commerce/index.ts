// Commerce: how far visitors come, what was earned, and what was left behind.
import { usePoll } from '../../api/poll';
import { withQuery } from '../../api/client';
import type { Realtime, Report, Step, Sums } from '../../api/types';
import { site } from '../../state/settings';
import { brief, count, money, share } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer, Empty, Figures, Meter, Panel, Table } from '../../ui/parts';
import { change, Period, report } from '../../ui/period';

const LOOK_MS = 30_000;
const NOW_MS = 10_000;

type Revenue = Report<Sums & { currency: string }>;
type Events = Report<{ event: string; count: number }>;

export function Commerce() {
  return html`<${Period} title="Commerce" />
    <div class="stack"><div class="grid wide"><${Funnel} /><${Carts} /></div>
    <${Money} /></div>`;
}

function Funnel() {
  const answer = usePoll<Report<Step>>(report('funnel'), LOOK_MS);
  return html`<${Panel} title="Funnel">
    <${Answer} of=${answer}>
      ${({ rows }: Report<Step>) =>
        (rows[0]?.visitors ?? 0) === 0
          ? html`<${Empty}
              what="Nobody took the first step in this time."
              next=${html`Send Segment's ecommerce events: “Product Viewed”, “Product Added”, “Checkout Started”, “Order Completed”.`}
            />`
          : html`<ol class="funnel">
              ${rows.map((step, at) => html`<${Bar} key=${step.step} step=${step} at=${at} />`)}
            </ol>`}
    <//>
  <//>`;
}

const Bar = ({ step, at }: { step: Step; at: number }) =>
  html`<li>
    <div class="line">
      <strong><${Foreign} text=${step.step} /></strong>
      <span>${count(step.visitors)} visitors</span>
      <span class="muted"
        >${share(step.conversion)} of all${at > 0 && `, ${share(step.step_conversion)} of the step before`}</span
      >
    </div>
    <${Meter} label=${`${step.step}: ${share(step.conversion)}`} parts=${[{ tone: 'a', share: step.conversion }]} />
  </li>`;

function Carts() {
  const live = usePoll<Realtime>(withQuery('/api/stats/realtime', { site: site.value }), NOW_MS);
  const events = usePoll<Events>(report('events', { filter: 'event:Cart Abandoned' }), LOOK_MS);
  const left = events.data?.rows.find(({ event }) => event === 'Cart Abandoned')?.count ?? 0;
  return html`<${Panel} title="Carts"><div class="stack">
    <${Figures}
      of=${[
        { name: 'Open now', value: live.data ? brief(live.data.totals.carts) : '–', beside: 'with something in them' },
        { name: 'Abandoned', value: events.data ? brief(left) : '–', beside: 'in this period' },
      ]}
    />
    <p class="muted small">
      A cart that is untouched for an hour becomes the event “Cart Abandoned”, which every destination gets.
    </p></div>
  <//>`;
}

function Money() {
  const answer = usePoll<Revenue>(report('revenue'), LOOK_MS);
  const before = usePoll<Revenue>(report('revenue', {}, 'before'), 0);
  return html`<${Panel} title="Revenue by currency" flush>
    <${Answer} of=${answer}>
      ${({ rows }: Revenue) =>
        rows.length === 0
          ? html`<${Empty}
              what="No order in this time."
              next="“Order Completed” with revenue, total or value counts as one."
            />`
          : html`<${Table} label="Revenue by currency" head=${HEAD}
              >${rows.map((row) => html`<${Line} key=${row.currency} row=${row} before=${before.data?.rows.find(({ currency }) => currency === row.currency)} />`)}<//
            >`}
    <//>
  <//>`;
}

const HEAD: [string, boolean?][] = [
  ['Currency'],
  ['Orders', true],
  ['Gross', true],
  ['Refunds', true],
  ['Net', true],
  ['Average order', true],
  ['Net to before', true],
];

function Line({ row, before }: { row: Sums & { currency: string }; before: Sums | undefined }) {
  const moved = change(Number(row.net), before && Number(before.net));
  return html`<tr>
    <td><${Foreign} text=${row.currency} /></td>
    <td class="num">${count(row.orders)}</td>
    <td class="num">${money(row.gross, row.currency)}</td>
    <td class="num">${money(row.refunds, row.currency)}</td>
    <td class="num"><strong>${money(row.net, row.currency)}</strong></td>
    <td class="num">${money(row.aov, row.currency)}</td>
    <td class=${`num ${moved?.tone ?? 'muted'}`}>${moved?.beside.replace(' to before', '') ?? 'none'}</td>
  </tr>`;
}
