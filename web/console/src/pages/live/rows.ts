// The events of the tail: what was heard, put together by message id, within a bound. Pure.
import type { Tapped } from '../../api/types';

/** Most events that are kept. */
export const WINDOW = 500;

export interface Fate {
  outcome: string;
  reason: string | null;
  status: number | null;
  latency: number | null;
  attempts: number;
}

/** One event. It is replaced when something about it changes, so that only its row is drawn again. */
export interface Row {
  id: string;
  key: number;
  at: string;
  kind: string;
  name: string;
  source: string;
  rejected: string | null;
  fates: Record<string, Fate>;
}

export type Frame = [string, Tapped];

export class Rows {
  private readonly byId = new Map<string, Row>();
  private next = 0;
  /** Events that did not fit in any more. */
  left = 0;

  /** Takes frames in the order in which they came. */
  take(frames: readonly Frame[]): void {
    for (const [kind, tapped] of frames) this.one(kind, tapped);
    for (const id of this.byId.keys()) {
      if (this.byId.size <= WINDOW) break;
      this.byId.delete(id);
      this.left += 1;
    }
  }

  clear(): void {
    this.byId.clear();
  }

  /** Newest first. */
  all(): Row[] {
    return [...this.byId.values()].reverse();
  }

  private one(kind: string, tapped: Tapped): void {
    const id = tapped.message_id ?? `(none ${this.next})`;
    const known = this.byId.get(id);
    if (!known && kind !== 'accepted' && kind !== 'rejected') {
      // Its beginning was not heard, or it has left: an old event must not look like a new one.
      if (!tapped.destination) return;
    }
    const row = known ?? this.made(id, tapped);
    const changed = kind === 'rejected' ? { ...row, rejected: tapped.reason ?? 'rejected' } : { ...row };
    if (tapped.destination) changed.fates = { ...row.fates, [tapped.destination]: fate(kind, tapped, row.fates[tapped.destination]) };
    this.byId.set(id, changed);
  }

  private made(id: string, tapped: Tapped): Row {
    const { at, kind, name, source } = tapped;
    this.next += 1;
    return {
      id,
      key: this.next,
      at,
      kind: kind ?? '',
      name: name ?? '',
      source: source ?? '',
      rejected: null,
      fates: {},
    };
  }
}

function fate(kind: string, tapped: Tapped, before: Fate | undefined): Fate {
  const attempts = (before?.attempts ?? 0) + (kind === 'attempt' ? 1 : 0);
  return {
    outcome: tapped.outcome ?? kind,
    reason: tapped.reason,
    status: tapped.status ?? before?.status ?? null,
    latency: tapped.latency_ms ?? before?.latency ?? null,
    attempts,
  };
}

export interface Filter {
  text: string;
  kind: string;
  outcome: string;
}

/** Returns whether a row is to be shown. */
export function passes(row: Row, { text, kind, outcome }: Filter): boolean {
  if (kind && row.kind !== kind) return false;
  if (outcome && !outcomes(row).includes(outcome)) return false;
  if (!text) return true;
  const wanted = text.toLowerCase();
  return [row.id, row.name, row.source, ...Object.keys(row.fates)].some((one) => one.toLowerCase().includes(wanted));
}

const outcomes = (row: Row): string[] => [...(row.rejected ? ['rejected'] : []), ...Object.values(row.fates).map(({ outcome }) => outcome)];
