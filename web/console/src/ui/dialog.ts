// Windows above the page: those that ask, and sheets that show.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Trouble } from '../api/client';
import { html, type Children } from './html';
import { Told } from './parts';

function useOpen(close: () => void) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    dialog?.addEventListener('close', close);
    return () => {
      dialog?.removeEventListener('close', close);
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return element;
}

interface AskProps {
  title: string;
  /** The word on the button. */
  act: string;
  danger?: boolean;
  /** What must be typed before it can be done. */
  confirm?: string;
  run: (form: FormData) => Promise<void>;
  close: () => void;
  children?: Children;
}

/** Asks before something is done, does it, and tells why it could not be. */
export function Ask({ title, act, danger, confirm, run, close, children }: AskProps) {
  const element = useOpen(close);
  const [trouble, tell] = useState<Trouble>();
  const [typed, type] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await run(new FormData(event.currentTarget as HTMLFormElement));
      close();
    } catch (problem) {
      tell(problem instanceof Trouble ? problem : new Trouble(0, '', String(problem)));
      setBusy(false);
    }
  };
  return html`<dialog ref=${element} aria-labelledby="ask-title">
    <form onSubmit=${submit}>
      <h2 id="ask-title">${title}</h2>
      ${children}
      ${
        confirm !== undefined &&
        html`<label class="field"
          ><span>Type <code>${confirm}</code> to confirm</span>
          <input
            autocomplete="off"
            value=${typed}
            onInput=${(event: Event) => type((event.target as HTMLInputElement).value)}
        /></label>`
      }
      <${Told} trouble=${trouble} />
      <div class="actions">
        <button type="button" onClick=${close}>Cancel</button>
        <button
          class=${danger ? 'danger' : 'main-action'}
          disabled=${isBusy || (confirm !== undefined && typed !== confirm)}
        >
          ${act}
        </button>
      </div>
    </form>
  </dialog>`;
}

/** Shows something beside the page. */
export function Sheet({ title, close, children }: { title: Children; close: () => void; children: Children }) {
  const element = useOpen(close);
  return html`<dialog class="sheet" ref=${element} aria-labelledby="sheet-title">
    <header>
      <h2 id="sheet-title">${title}</h2>
      <button type="button" onClick=${close}>Close</button>
    </header>
    <div class="content">${children}</div>
  </dialog>`;
}

/** A button that does something at once, and tells why it could not. */
export function Act({
  run,
  children,
  label,
  disabled,
  class: name = '',
}: {
  run: () => Promise<unknown>;
  children: Children;
  label?: string;
  disabled?: boolean;
  class?: string;
}) {
  const [trouble, tell] = useState<Trouble>();
  const [isBusy, setBusy] = useState(false);
  const click = async () => {
    setBusy(true);
    tell(undefined);
    try {
      await run();
    } catch (problem) {
      tell(problem instanceof Trouble ? problem : new Trouble(0, '', String(problem)));
    }
    setBusy(false);
  };
  return html`<button type="button" class=${name} disabled=${disabled || isBusy} aria-label=${label} onClick=${click}>
      ${children}
    </button>
    ${trouble && html`<${Told} trouble=${trouble} />`}`;
}
