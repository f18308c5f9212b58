// Questions to the router, and orders. What goes wrong is told with what can be done about it.
import { signal } from '@preact/signals';

/** What the router says of the login. */
export interface Session {
  authenticated: boolean;
  /** No login is needed here. */
  open: boolean;
  /** There is a password to log in with. */
  password: boolean;
  scopes: string[];
  sites: string[] | null;
  csrf: string;
}

/** A request that did not do what it was to. */
export class Trouble extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** When the router takes the next try; in milliseconds since 1970, 0: at once. */
    readonly again = 0,
  ) {
    super(message);
  }

  /** What can be done about it. */
  get hint(): string {
    return HINTS[this.status] ?? (this.status >= 500 ? 'The log of the router says more.' : '');
  }
}

const HINTS: Record<number, string> = {
  0: 'Is it running, and can this browser reach it? This page goes on by itself when it answers.',
  401: 'Log in again.',
  403: 'The present login lacks the scope for this; log in with a token that has it.',
  404: 'It is switched off in the configuration, or there is none of this name.',
  409: 'Look at its state: it may have changed meanwhile.',
  429: 'Wait a moment; this page tries again.',
  503: 'The router is busy, starting or stopping; this page tries again.',
};

/** Who looks; `null` until the router has said so. */
export const session = signal<Session | null>(null);

const OPEN: Session = { authenticated: true, open: true, password: false, scopes: [], sites: null, csrf: '' };
const CLOSED: Session = { ...OPEN, authenticated: false, open: false };

/** Asks the router who this is. */
export async function look(): Promise<void> {
  try {
    session.value = await get<Session>('/api/session');
  } catch (problem) {
    // A router without logins lets this machine in.
    const isUnknown = problem instanceof Trouble && problem.status === 404;
    session.value = isUnknown ? { ...OPEN } : { ...CLOSED, password: true };
    if (!isUnknown && (problem as Trouble).status === 0) throw problem;
  }
}

/** Logs in with a password or a token. */
export async function login(secret: { password: string } | { token: string }): Promise<void> {
  await send('POST', '/api/session', JSON.stringify(secret));
  await look();
  // It was taken, so only the cookie can be missing: `Secure`, on a page that came over plain http.
  if (!session.value?.authenticated) throw new Trouble(-1, '', NOT_KEPT);
}

const NOT_KEPT = 'The browser did not keep the login: production needs https, or localhost.';

/** Logs out. */
export async function logout(): Promise<void> {
  await send('DELETE', '/api/session');
  await look();
}

/** Returns whether changes are allowed to whoever looks. */
export const mayChange = (): boolean => {
  const present = session.value;
  return !!present && (present.open || present.scopes.includes('admin'));
};

/** Makes a query of what is not empty. */
export function withQuery(path: string, parameters: Record<string, string | number | string[] | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== '') query.append(name, String(one));
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Reads. */
export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => ask<T>(path, signal ? { signal } : {});

/** Orders something; its parameters are in the query. */
export const order = <T>(path: string): Promise<T> => send<T>('POST', path);

/** Changes something. */
export function send<T>(method: string, path: string, body?: string): Promise<T> {
  const headers: Record<string, string> = {};
  if (session.value?.csrf) headers['X-OpenTrack-CSRF'] = session.value.csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return ask<T>(path, body === undefined ? { method, headers } : { method, headers, body });
}

/** Reads a text that is no JSON. */
export const getText = async (path: string): Promise<string> => (await answered(path, {})).text();

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const answer = await answered(path, init);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

async function answered(path: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(path, { ...init, cache: 'no-store', credentials: 'same-origin' }).catch((problem) => {
    if (problem instanceof DOMException && problem.name === 'AbortError') throw problem;
    throw new Trouble(0, 'unreachable', 'The router does not answer.');
  });
  // Readiness says what is wrong with a 503.
  if (answer.ok || (path === '/ready' && answer.status === 503)) return answer;
  const trouble = await told(answer);
  if (answer.status === 401 && path !== '/api/session' && session.value?.authenticated) {
    session.value = { ...CLOSED, password: true };
    void look().catch(() => undefined);
  }
  throw trouble;
}

async function told(answer: Response): Promise<Trouble> {
  const said = (await answer.json().catch(() => ({}))) as { code?: string; message?: string };
  const seconds = Number(answer.headers.get('retry-after'));
  const again = seconds ? Date.now() + seconds * 1000 : 0;
  return new Trouble(answer.status, said.code ?? '', said.message ?? `The router answered ${answer.status}.`, again);
}
