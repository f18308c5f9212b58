// What stands around every page: the way to the others, what is wrong right now, and the choices that hold everywhere.
import { useEffect, useState } from 'preact/hooks';
import { login, logout, look, session, Trouble } from './api/client';
import { usePoll } from './api/poll';
import { isDestination, type Ready } from './api/types';
import { Commerce } from './pages/commerce';
import { Destinations } from './pages/destinations';
import { Health } from './pages/health';
import { Live } from './pages/live';
import { Overview } from './pages/overview';
import { Performance } from './pages/performance';
import { Schema } from './pages/schema';
import { Sessions } from './pages/sessions';
import { Sources } from './pages/sources';
import { route, to } from './state/route';
import { now, theme, zone, zones } from './state/settings';
import { html, type View } from './ui/html';
import { Icon } from './ui/icons';
import { Choice, Told } from './ui/parts';

interface Page {
  title: string;
  show: () => View;
}

const PAGES: Record<string, Page> = {
  live: { title: 'Live', show: Live },
  destinations: { title: 'Destinations', show: Destinations },
  overview: { title: 'Overview', show: Overview },
  commerce: { title: 'Commerce', show: Commerce },
  performance: { title: 'Performance', show: Performance },
  sessions: { title: 'Sessions', show: Sessions },
  sources: { title: 'Sources', show: Sources },
  schema: { title: 'Schema', show: Schema },
  health: { title: 'Health', show: Health },
};
const GROUPS: [string, string[]][] = [
  ['Now', ['live', 'destinations']],
  ['Reports', ['overview', 'commerce', 'performance', 'sessions']],
  ['Set-up', ['sources', 'schema', 'health']],
];
const READY_MS = 5_000;

/** The whole of it, for whoever may see it. */
export function Shell() {
  const [trouble, tell] = useState<Trouble>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const ask = () =>
      look().then(
        () => tell(undefined),
        (problem: Trouble) => {
          tell(problem);
          timer = setTimeout(ask, 3_000);
        },
      );
    void ask();
    return () => clearTimeout(timer);
  }, []);
  if (trouble) return html`<main class="login"><${Told} trouble=${trouble} /></main>`;
  if (!session.value) return html`<main class="login"><p class="waiting" role="status">Loading…</p></main>`;
  return session.value.authenticated || session.value.open ? html`<${Frame} />` : html`<${Login} />`;
}

function Frame() {
  const { page } = route.value;
  const known = PAGES[page] ?? PAGES.live!;
  useEffect(() => {
    document.title = `${known.title} · OpenTrack`;
    scrollTo(0, 0);
  }, [known]);
  const ready = usePoll<Ready>('/ready', READY_MS);
  return html`<div class="frame">
    <a class="skip" href="#content" onClick=${toContent}>Go to the content</a>
    <header class="side">
      <div class="brand"><${Icon} name="brand" size=${22} /><span>OpenTrack</span></div>
      <nav aria-label="Pages">
        ${GROUPS.map(
          ([title, pages]) =>
            html`<h2>${title}</h2>
              <ul>
                ${pages.map((name) => html`<li key=${name}><${Way} name=${name} isHere=${PAGES[name] === known} ready=${ready.data} /></li>`)}
              </ul>`,
        )}
      </nav>
      <div class="foot"><${Choices} place="side" /></div>
    </header>
    <main class="main" id="content" tabindex="-1">
      ${ready.trouble && html`<div class="above"><${Told} trouble=${ready.trouble} /></div>`}
      ${html`<${known.show} key=${page} />`}
      <div class="narrow-foot"><${Choices} place="foot" /></div>
    </main>
  </div>`;
}

function toContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

/** Which lines of `/ready` are marked at which page when they are not fine. */
const MARKED: Record<string, (check: Ready['checks'][number]) => boolean> = {
  destinations: isDestination,
  health: (check) => !isDestination(check),
};

function Way({ name, isHere, ready }: { name: string; isHere: boolean; ready: Ready | undefined }) {
  const isIts = MARKED[name];
  const wrong = isIts ? (ready?.checks ?? []).filter((check) => !check.ok && isIts(check)).length : 0;
  return html`<a href=${to(name)} aria-current=${isHere ? 'page' : undefined}>
    <${Icon} name=${name} />${PAGES[name]!.title}
    ${
      wrong > 0 &&
      html`<span class=${ready?.status === 'not_ready' ? 'mark' : 'mark warn'} title=${`${wrong} not fine`}
        ><span class="hidden">, ${wrong} not fine</span></span
      >`
    }
  </a>`;
}

const LOOKS = [
  ['auto', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

function Choices({ place }: { place: string }) {
  const choose = (event: Event) => (zone.value = (event.target as HTMLSelectElement).value);
  return html`<label class="field" for=${`zone-${place}`}
      ><span>Time zone</span>
      <select id=${`zone-${place}`} value=${zone.value} onChange=${choose}>
        ${zones().map((name) => html`<option key=${name} value=${name}>${name.replaceAll('_', ' ')}</option>`)}
      </select></label
    >
    <div>
      <${Choice} label="Looks" of=${LOOKS} value=${theme.value} choose=${(value: string) => (theme.value = value)} />
    </div>
    ${!session.value?.open && html`<button type="button" onClick=${() => void logout().catch(() => undefined)}>Log out</button>`}`;
}

function Login() {
  const hasPassword = session.value?.password ?? false;
  const [by, choose] = useState(hasPassword ? 'password' : 'token');
  const [trouble, tell] = useState<Trouble>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const secret = String(new FormData(event.currentTarget as HTMLFormElement).get('secret') ?? '').trim();
    try {
      await login(by === 'password' ? { password: secret } : { token: secret });
    } catch (problem) {
      if (problem instanceof Trouble) tell(problem.status === 401 ? new Trouble(-1, '', WRONG[by]!) : problem);
    }
  };
  const wait = by === 'password' && trouble ? Math.ceil((trouble.again - now.value) / 1000) : 0;
  return html`<main class="login">
    <div class="panel">
      <div class="brand">
        <${Icon} name="brand" size=${22} />
        <h1>OpenTrack</h1>
      </div>
      ${hasPassword && html`<${Choice} label="Log in with" of=${WAYS} value=${by} choose=${choose} />`}
      <form onSubmit=${submit}>
        <label class="field"
          ><span>${by === 'password' ? 'Password' : 'Token'}</span>
          <input
            name="secret"
            type="password"
            required
            autocomplete=${by === 'password' ? 'current-password' : 'off'}
            key=${by}
          />
        </label>
        ${
          trouble?.status === 429
            ? by === 'password' &&
              html`<div class="notice warn" role="alert">
                <div>
                  <strong>Too many wrong passwords came from this address.</strong>${' '}
                  ${wait > 0 ? `The next is taken in ${wait} s.` : 'The next is taken now.'} A token logs in at once.
                </div>
              </div>`
            : html`<${Told} trouble=${trouble} />`
        }
        <button class="main-action" disabled=${wait > 0}>Log in</button>
      </form>
      <p class="muted small">
        ${
          by === 'password'
            ? html`The password is <code>[console] password</code> of the configuration.`
            : html`Make a token with <code>opentrack token --scope "admin" --ttl 12h</code>.`
        }
      </p>
    </div>
  </main>`;
}

const WAYS = [
  ['password', 'Password'],
  ['token', 'Token'],
] as const;
const WRONG: Record<string, string> = {
  password: 'This is not the password.',
  token: 'This token is not valid, or has ended.',
};
