// The words for what became of an event, and how good they are.
import { html, plain } from './html';

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | '';

const TONES: Record<string, Tone> = {
  // Fates of an event.
  delivered: 'good',
  pending: '',
  in_flight: '',
  skipped: 'quiet',
  retrying: 'warn',
  held: 'bad',
  dead: 'bad',
  // Outcomes of an attempt.
  refused: 'bad',
  broken: 'bad',
  transient: 'warn',
  throttled: 'warn',
  // States of a destination.
  flowing: 'good',
  paused: 'warn',
  draining: 'warn',
  off: 'quiet',
};

/** How good a fate, an outcome or a state is. */
export const tone = (word: string): Tone => TONES[word] ?? '';

/** A word in its colour; its reason is said to whoever asks. */
export const Chip = ({ word, text, title }: { word: string; text?: string; title?: string | undefined }) =>
  html`<span class=${`chip ${tone(word)}`} title=${title && plain(title)}
    >${plain(text ?? word).replaceAll('_', ' ')}</span
  >`;
