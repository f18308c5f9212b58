/** The browser, and small words for it. Knows nothing of events. Every module may import it. */

export const w = window as Window & typeof globalThis & Record<string, unknown>;
export const d = document;
export const n = navigator as Navigator & {
  connection?: Record<string, unknown>;
  globalPrivacyControl?: boolean;
  userAgentData?: unknown;
};
export const now = () => Date.now();
export const merge = Object.assign;

/** Tells the developer of the page; never the visitor. */
export const warn = (...what: unknown[]) => console.warn('opentrack:', ...what);

/** Runs what may fail and must not break the page. */
export const safely = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch (error) {
    warn(error);
    return;
  }
};

export const listen = (target: EventTarget, type: string, run: (event: never) => void, capture?: boolean) =>
  target.addEventListener(type, run as EventListener, capture);

/** Reads JSON that may be broken or missing; anything but an object is an empty one. */
export const parse = <T extends object>(text: string | null | undefined): Partial<T> =>
  safely(() => (JSON.parse(text || '{}') as T) || {}) || {};

/** A random UUID of version 4; `crypto.randomUUID` is missing on plain http. */
export const uuid = () => {
  const random = crypto.getRandomValues(new Uint8Array(36));
  return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (c, at: number) =>
    (+c ^ (random[at]! & (15 >> (+c / 4)))).toString(16),
  );
};
