// The one way to markup: templates of this program. What comes from the router is a value in them, and so a text.
import htm from 'htm';
import { h, type ComponentChildren, type VNode } from 'preact';

export type Children = ComponentChildren;
export type View = VNode | VNode[] | null;

/** Makes elements of a template. */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** Joins the names of classes that hold. */
export const classes = (...names: (string | false | undefined | null)[]): string => names.filter(Boolean).join(' ');

// Characters that would turn the text around them, and those that cannot be seen.
const TRICKS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Returns a foreign text without the characters that would change the direction or the lines of what stands around it. */
export const plain = (text: string): string => text.replace(TRICKS, '\ufffd');

/** A text that somebody else has written: it stands for itself, whatever it is. */
export const Foreign = ({ text, empty = '–' }: { text: string | null | undefined; empty?: string }): VNode =>
  text ? html`<bdi>${plain(text)}</bdi>` : html`<span class="muted">${empty}</span>`;
