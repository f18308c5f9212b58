// Server-sent events. The browser connects again by itself after a cut, with the id of what it heard last; where the router
// has said no, or was away for long, this does.
import { useEffect, useState } from 'preact/hooks';
import { look } from './client';

export type StreamState = 'connecting' | 'open' | 'waiting' | 'missing';
export type Hear = (kind: string, data: unknown) => void;

const AGAIN_MS = 3_000;

/** Listens to a path as long as the component is there. `missing`: the router has no such stream. */
export function useStream(path: string | null, kinds: readonly string[], hear: Hear): StreamState {
  const [state, become] = useState<StreamState>('connecting');
  useEffect(() => {
    if (path === null) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const later = () => {
      clearTimeout(timer);
      if (isOver) return;
      timer = setTimeout(() => void connect(), AGAIN_MS);
    };
    const connect = async () => {
      source?.close();
      source = new EventSource(path);
      source.onopen = () => become('open');
      source.onerror = () => {
        if (isOver) return;
        become('waiting');
        if (source?.readyState === EventSource.CLOSED) void judge();
      };
      for (const kind of kinds) {
        source.addEventListener(kind, (message) => {
          const data: unknown = parsed((message as MessageEvent<string>).data);
          if (data !== undefined) hear(kind, data);
        });
      }
      source.addEventListener('bye', (message) => {
        source?.close();
        const { reason } = (parsed((message as MessageEvent<string>).data) ?? {}) as { reason?: string };
        if (reason === 'shutdown') later();
        else void whoami();
      });
    };
    /** The login has ended: where that is so the page gives way to it, and comes back where it was. */
    const whoami = () => look().then(later, later);
    /** An `EventSource` does not say why it was refused. */
    const judge = async () => {
      const stop = new AbortController();
      const answer = await fetch(path, { signal: stop.signal }).catch(() => undefined);
      stop.abort();
      if (isOver) return;
      if (answer?.status === 404) become('missing');
      else if (answer?.status === 401) void whoami();
      else later();
    };
    become('connecting');
    void connect();
    return () => {
      isOver = true;
      clearTimeout(timer);
      source?.close();
    };
  }, [path]);
  return state;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
