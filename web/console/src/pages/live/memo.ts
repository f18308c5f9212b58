// A component that is drawn again only when one of its values is another one.
import { Component, type FunctionComponent, type VNode } from 'preact';
import { html } from '../../ui/html';

export function memo<P extends object>(draw: FunctionComponent<P>): new () => Component<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return (Object.keys(next) as (keyof P)[]).some((name) => next[name] !== this.props[name]);
    }

    override render(): VNode {
      return html`<${draw} ...${this.props} />`;
    }
  };
}
