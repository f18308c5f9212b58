// Begins.
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';
import { Shell } from './shell';
import { html } from './ui/html';

const place = document.getElementById('app')!;
place.replaceChildren();
render(html`<${Shell} />`, place);
