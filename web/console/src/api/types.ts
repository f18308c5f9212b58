// What the router answers, as far as it is shown.

export type State = 'flowing' | 'retrying' | 'throttled' | 'held' | 'paused' | 'draining' | 'off';

export interface Destination {
  name: string;
  type: string;
  enabled: boolean;
  state: State;
  reason: string | null;
  backlog: { events: number; bytes: number };
  oldest_age_ms: number;
  rate: { in: number; out: number };
  latency_ms: { p50: number; p95: number } | null;
  last_error: { at: string; status: number | null; message: string } | null;
  breaker: { state: 'closed' | 'open' | 'half_open'; failures: number; reopens_at: string | null };
  concurrency: { limit: number; cap: number } | null;
  next_attempt_at: string | null;
  drain_eta_ms: number | null;
  counts: { delivered: number; skipped: Record<string, number>; dead: Record<string, number> };
  replay: Replay | null;
  holds_journal?: { percent: number; full_in_ms: number | null };
}

export interface Replay {
  from: number;
  until: number;
  position: number;
  left: number;
  delivered: number;
  dead: number;
  state: string;
  reason: string | null;
  started_at: string;
}

export interface Letter {
  id: string;
  destination: string;
  message_id: string;
  table: string | null;
  reason: string;
  status: number | null;
  answer: string | null;
  ddl: string | null;
  attempts: number;
  at: string;
  event: unknown;
}

export interface Rejected {
  message_id: string | null;
  source: string;
  code: string;
  message: string;
  path: string;
  at: string;
  event: unknown;
}

export interface Attempt {
  at: string;
  status: number | null;
  answer: string | null;
  latency_ms: number | null;
}

export interface Fate {
  fate: string;
  reason: string | null;
  attempts: Attempt[];
  next_attempt_at: string | null;
  table: string | null;
}

export interface Journey {
  message_id: string;
  received_at?: string;
  source?: string;
  position?: unknown;
  event?: unknown;
  destinations?: Record<string, Fate>;
  rejected?: { code: string; message: string; path: string };
}

/** The events of one user or visitor. */
export interface Timeline {
  events: { message_id: string; timestamp: string; kind: string; name: string | null; path: string | null; source: string }[];
  next: string | null;
  looked_back_to: string | null;
  kept_since: string | null;
}

/** One frame of the live tap. */
export interface Tapped {
  /** A rejected event may have none. */
  message_id: string | null;
  kind: string | null;
  name: string | null;
  source: string | null;
  destination: string | null;
  outcome: string | null;
  reason: string | null;
  status: number | null;
  answer: string | null;
  latency_ms: number | null;
  at: string;
}

export interface Sums {
  orders: number;
  gross: string;
  refunds: string;
  net: string;
  aov: string;
}

export interface Presence {
  m1: number;
  m5: number;
  m30: number;
  ema: number;
  estimated: boolean;
  degraded: boolean;
  sessions: number;
  pages: { path: string; visitors: number }[];
  orders: { count: number; revenue: Record<string, Sums> };
}

export interface Step {
  step: string;
  visitors: number;
  conversion: number;
  step_conversion: number;
}

export interface Report<Row, Totals = Record<string, number>> {
  range: { from: string; to: string; tz: string };
  rows: Row[];
  totals: Totals;
  sampled?: boolean;
}

export type Realtime = Report<
  { minute: string; visitors: number; events: number; views: number },
  Presence & { funnel: Step[]; carts: number }
>;

export interface Source {
  name: string;
  write_keys: string[];
  origins: string[];
  events_total: number;
  last_event_at: string | null;
  last_error: unknown;
}

export interface Schema {
  tables: { destination: string; name: string; columns: { name: string; type: string; since: string | null }[] }[];
  log: {
    at: string;
    destination: string;
    table: string;
    change: string;
    column: string | null;
    from: string | null;
    to: string | null;
    reason: string | null;
  }[];
  conflicts: {
    destination: string;
    table: string;
    column: string;
    have: string;
    got: string;
    count: number;
    last_message_id: string;
  }[];
  closed?: { destination: string; table: string; why: string; ddl?: string }[];
}

const STATES = /^(flowing|retrying|throttled|held|paused|draining|off)\b/;

/** Whether a line of `/ready` is about a destination: it begins with its state. */
export const isDestination = ({ message }: { message: string }): boolean => STATES.test(message);

export interface Ready {
  status: 'ready' | 'degraded' | 'not_ready';
  checks: { name: string; ok: boolean; message: string }[];
}
