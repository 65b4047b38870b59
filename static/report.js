// The governance report: fetched when it is looked at and when a person asks, never behind their back.
import { getHtml, query, send } from './api.js';
import { onAction } from './forms.js';
import { language } from './i18n.js';
import { $, fault, saveText } from './dom.js';
import { parse, swap } from './work.js';

let loaded = false;
let round = 0;

export function markStale() { if (loaded) $('#report-stale').hidden = false; }
export function isLoaded() { return loaded; }
export function reset() { loaded = false; }

function wish() {
  const form = $('#report-form');
  const mode = new FormData(form).get('mode');
  return { mode, base: mode === 'base' ? form.elements.base.value.trim() : '' };
}

// Made anew by the launcher: its digest says whether it is still the one on the page.
onAction('save-report', async ({ dataset }) => {
  const { mode, base } = wish();
  const answer = await send('GET', query('/api/report', { mode, base, format: dataset.format }), { accept: '*/*' });
  saveText(`report-${mode}.${dataset.format === 'sarif' ? 'sarif' : 'md'}`, await answer.text());
});

export async function load() {
  const form = $('#report-form');
  const button = $('button[type="submit"]', form);
  const mine = ++round;
  button.setAttribute('aria-busy', 'true');
  try {
    const html = await getHtml(query('/ui/report', { ...wish(), lang: language() }));
    // A slower answer to an older question is not shown.
    if (mine !== round) return;
    swap(parse(html));
    loaded = true;
    fault($('#report-error'), null);
    $('#report-stale').hidden = true;
  } catch (error) {
    if (mine === round && error.status !== 401) fault($('#report-error'), error);
  } finally {
    if (mine === round) button.removeAttribute('aria-busy');
  }
}

export function wireReport() {
  const form = $('#report-form');
  const showBase = () => { $('#report-base').hidden = new FormData(form).get('mode') !== 'base'; };
  showBase();
  form.addEventListener('change', (event) => { showBase(); if (event.target.name === 'mode') load(); });
  form.addEventListener('submit', (event) => { event.preventDefault(); load(); });
}
