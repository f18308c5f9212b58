// What every page is made of.
import type { Trouble } from '../api/client';
import type { Polled } from '../api/poll';
import { html, classes, type Children } from './html';

interface PanelProps {
  title: string;
  /** What stands beside the title. */
  tools?: Children;
  flush?: boolean;
  class?: string;
  children?: Children;
}

/** A part of a page with its title. */
export const Panel = ({ title, tools, flush, children, ...rest }: PanelProps) =>
  html`<section class=${classes('panel', rest.class)} aria-label=${title}>
    <header>
      <h2>${title}</h2>
      ${tools}
    </header>
    <div class=${flush ? 'flush' : 'body'}>${children}</div>
  </section>`;

/** Nothing is there, and what to do about it. */
export const Empty = ({ what, next }: { what: string; next?: Children }) =>
  html`<div class="empty"><strong>${what}</strong>${next && html`<span>${next}</span>`}</div>`;

/** What went wrong, and what to do about it. */
export const Told = ({ trouble }: { trouble: Trouble | undefined }) =>
  trouble
    ? html`<div class="notice bad" role="alert">
        <div><strong>${sentence(trouble.message)}</strong> ${trouble.hint}</div>
      </div>`
    : null;

/** Makes a sentence of what the router says. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Shows an answer, or why there is none. What was there stays while something is wrong. */
export function Answer<T>({ of, children }: { of: Polled<T>; children: (data: T) => Children }) {
  if (of.data === undefined && !of.trouble) return html`<p class="waiting" role="status">Loading…</p>`;
  return html`<${Told} trouble=${of.trouble} />${of.data !== undefined && children(of.data)}`;
}

export interface Figure {
  name: string;
  value: Children;
  beside?: Children;
  tone?: 'good' | 'bad' | undefined;
}

/** Numbers with their names. */
export const Figures = ({ of, compact }: { of: Figure[]; compact?: boolean }) =>
  html`<dl class=${classes('figures', compact && 'compact')}>
    ${of.map(
      ({ name, value, beside, tone }) =>
        html`<div key=${name}>
          <dt>${name}</dt>
          <dd>${value}${beside !== undefined && html`<small class=${tone ?? ''}>${beside}</small>`}</dd>
        </div>`,
    )}
  </dl>`;

interface ChoiceProps {
  label: string;
  of: readonly (readonly [string, string])[];
  value: string;
  choose: (value: string) => void;
  tabs?: boolean;
}

/** One of a few. */
export const Choice = ({ label, of, value, choose, tabs }: ChoiceProps) =>
  html`<div class=${tabs ? 'tabs' : 'choice'} role="group" aria-label=${label}>
    ${of.map(
      ([key, text]) =>
        html`<button key=${key} type="button" aria-pressed=${key === value} onClick=${() => choose(key)}>
          ${text}
        </button>`,
    )}
  </div>`;

export interface Part {
  tone: 'a' | 'good' | 'warn' | 'bad';
  share: number;
}

/** A bar of parts of one. */
export function Meter({ parts, label }: { parts: Part[]; label: string }) {
  let at = 0;
  return html`<svg class="meter" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${parts.map(({ tone, share }) => {
      const x = at;
      at += share * 100;
      return html`<rect class=${tone} x=${x} y="0" width=${Math.max(0, share * 100)} height="1" />`;
    })}
  </svg>`;
}

/** A table that may be wider than the page. */
export const Table = ({ label, head, children }: { label: string; head: [string, boolean?][]; children: Children }) =>
  html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table>
      <thead>
        <tr>
          ${head.map(([name, isNumber]) => html`<th scope="col" class=${isNumber ? 'num' : ''}>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${children}
      </tbody>
    </table>
  </div>`;
