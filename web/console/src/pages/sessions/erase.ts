// Forgetting a visitor: asks, and shows how far every store is.
import { useState } from 'preact/hooks';
import { mayChange, send } from '../../api/client';
import { usePoll } from '../../api/poll';
import { Ask } from '../../ui/dialog';
import { Chip } from '../../ui/fates';
import { count } from '../../ui/format';
import { Foreign, html } from '../../ui/html';
import { Answer } from '../../ui/parts';

const PATH = '/api/privacy/regulations';
const LOOK_MS = 2_000;

interface Regulation {
  id: string;
  status: string;
  stores: Record<string, { state: string; erased: number; reason: string | null }>;
}

export function Erase({ id }: { id: string }) {
  const [asked, ask] = useState(false);
  const [begun, begin] = useState<string[]>([]);
  // A router that cannot do it does not have the path.
  const api = usePoll<{ paths: Record<string, unknown> }>(mayChange() ? '/api/openapi.json' : null, 0);
  if (!api.data?.paths[PATH]) return null;
  const run = async (form: FormData) => {
    const regulationType = form.has('suppress') ? 'SUPPRESS_WITH_DELETE' : 'DELETE_ONLY';
    // The id of a visitor may be that of a user.
    for (const subjectType of ['USER_ID', 'ANONYMOUS_ID']) {
      const { id: number } = await send<Regulation>('POST', PATH, JSON.stringify({ regulationType, subjectType, subjectIds: [id] }));
      begin((all) => [...all, number]);
    }
  };
  return html`<h3>Erase</h3>
    ${begun.map((one) => html`<${Erasing} key=${one} id=${one} />`)}
    <div class="bar">
      <button type="button" class="danger" disabled=${begun.length > 0} onClick=${() => ask(true)}>Erase…</button>
    </div>
    ${
      asked &&
      html`<${Ask} title="Erase a visitor" act="Erase for good" danger confirm=${id} close=${() => ask(false)} run=${run}>
        <p>
          Everything that names <code><${Foreign} text=${id} /></code> as its user or visitor is removed: events in the journal,
          dead letters, rows of warehouses, sessions and profiles. Destinations that can delete are asked to. It cannot be
          brought back.
        </p>
        <label><input type="checkbox" name="suppress" /> Take no events of this id from now on</label>
      <//>`
    }`;
}

function Erasing({ id }: { id: string }) {
  const told = usePoll<Regulation>(`${PATH}/${encodeURIComponent(id)}`, LOOK_MS);
  return html`<${Answer} of=${told}>
    ${({ status, stores }: Regulation) =>
      html`<p class="reasons" role="status">
        <${Chip} word=${status} />
        ${Object.entries(stores).map(
          ([name, one]) =>
            html`<span key=${name}
              ><${Foreign} text=${name} /> <strong>${one.state}</strong> ${count(one.erased)} erased ${one.reason && html`<${Foreign} text=${one.reason} />`}
          </span>`,
        )}
      </p>`}
  <//>`;
}
