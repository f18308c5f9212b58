// Something that is asked again and again, as long as somebody looks.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, Trouble } from './client';

export interface Polled<T> {
  /** The last answer; of this question, not of another one. */
  data: T | undefined;
  /** Why the last try brought none. */
  trouble: Trouble | undefined;
  /** Asks at once. */
  reload: () => void;
}

interface Kept<T> {
  path: string | null;
  data: T | undefined;
  trouble: Trouble | undefined;
}

/** Asks a path at once and then every so many milliseconds; 0: once. `null` asks nothing. */
export function usePoll<T>(path: string | null, everyMs: number): Polled<T> {
  const [kept, keep] = useState<Kept<T>>({ path, data: undefined, trouble: undefined });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    const tick = async () => {
      clearTimeout(timer);
      if (isAsking) return;
      isAsking = true;
      const outcome = document.hidden ? {} : await asked<T>(path, stop.signal);
      isAsking = false;
      if (stop.signal.aborted) return;
      if ('data' in outcome) keep({ path, data: outcome.data, trouble: undefined });
      else if (outcome.trouble)
        keep((before) => ({ path, data: before.path === path ? before.data : undefined, trouble: outcome.trouble }));
      // What failed is tried again even where it was to be asked once.
      const wait = everyMs || (outcome.trouble ? 5_000 : 0);
      if (wait) timer = setTimeout(tick, wait);
    };
    const seen = () => !document.hidden && void tick();
    again.current = () => void tick();
    document.addEventListener('visibilitychange', seen);
    void tick();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [path, everyMs]);
  const isSame = kept.path === path;
  return {
    data: isSame ? kept.data : undefined,
    trouble: isSame ? kept.trouble : undefined,
    reload: () => again.current(),
  };
}

interface Outcome<T> {
  data?: T;
  trouble?: Trouble;
}

async function asked<T>(path: string, signal: AbortSignal): Promise<Outcome<T>> {
  try {
    return { data: await get<T>(path, signal) };
  } catch (problem) {
    if (signal.aborted) return {};
    return {
      trouble: problem instanceof Trouble ? problem : new Trouble(0, 'unreadable', 'The answer cannot be read.'),
    };
  }
}
