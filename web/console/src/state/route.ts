// Where the user is: the part of the address behind the `#`, as `page/detail?name=value`.
import { computed, signal } from '@preact/signals';

const hash = signal(location.hash);
addEventListener('hashchange', () => (hash.value = location.hash));

/** The page and what is behind it. */
export const route = computed(() => {
  const [path = '', query = ''] = hash.value.replace(/^#\/?/, '').split('?');
  const [page = '', ...rest] = path.split('/');
  return { page: page || 'live', detail: decode(rest.join('/')), query: new URLSearchParams(query) };
});

/** The query of the address alone. */
export const query = computed(() => route.value.query.toString());

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a page. */
export function to(page: string, detail = '', query: Record<string, string> = {}): string {
  const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${page}${detail && `/${encodeURIComponent(detail)}`}${said && `?${said}`}`;
}

/** Changes parameters of the address, without a step in the history; an empty one goes. */
export function tune(changes: Record<string, string>): void {
  const { page, detail, query } = route.value;
  history.replaceState(null, '', to(page, detail, { ...Object.fromEntries(query), ...changes }));
  hash.value = location.hash;
}
