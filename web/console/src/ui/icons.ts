// Small pictures, drawn with lines of the text's colour.
import { html } from './html';

const PATHS: Record<string, string> = {
  live: 'M2 8h3l2-5 3 10 2-5h2',
  destinations: 'M2 8h4m0 0 5-5h3M6 8l5 5h3M6 8h8',
  overview: 'M2 13V9m4 4V3m4 10V7m4 6V5',
  commerce: 'M2 3h2l1.5 7h7L14 5H4.5M6 13.5h.01M12 13.5h.01',
  performance: 'M2.5 12a6 6 0 1 1 11 0M8 10l3-4',
  sessions: 'M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM3 14c0-3 2-4.5 5-4.5s5 1.5 5 4.5',
  sources: 'M6 4 2 8l4 4M10 4l4 4-4 4',
  schema: 'M2.5 3h11v10h-11ZM2.5 6.5h11M6.5 6.5V13',
  health: 'M8 13.5C3.5 10.5 2 8.5 2 6a3 3 0 0 1 6-.8A3 3 0 0 1 14 6c0 2.5-1.5 4.5-6 7.5Z',
  brand: 'M2 8h4l6-5M6 8l6 5M6 8h7',
};

export const Icon = ({ name, size = 16 }: { name: string; size?: number }) =>
  html`<svg
    width=${size}
    height=${size}
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d=${PATHS[name]} />
  </svg>`;
