// Extensions: what was found, the yes to exactly these files, and the next set. What is wrong with a set that is not taken is said one after the
// other, each with its lines.
import { getHtml, post, query } from './api.js';
import { $, make, pieces } from './dom.js';
import { onAction, say } from './forms.js';
import { fragment } from './fragment.js';
import { language, said, t, word } from './i18n.js';
import { HARNESS } from './threads.js';
import { parse } from './work.js';

const PLACE = `${HARNESS}/agents/extensions`;
const refused = () => $('#extensions-refused');

const page = fragment(
  async () => parse(await getHtml(query('/ui/extensions', { lang: language() }))),
  () => $('#extensions-error'),
);
export const { stale, enter } = page;

export function leave() {
  page.leave();
  tell([]);
}

function tell(errors) {
  refused().hidden = errors.length === 0;
  const one = ({ extension, code, message }) => make('li', {},
    make('strong', {}, extension), ' ', make('span', { class: 'badge bad' }, word('extensions.code', code)),
    make('p', { class: 'text' }, ...pieces(said(message))));
  refused().replaceChildren(...(errors.length ? [make('p', {}, t('extensions.not_loaded')), make('ul', { class: 'stack' }, ...errors.map(one))] : []));
}

onAction('extensions-reload', async (button) => {
  tell([]);
  try {
    const { loadedCount } = await post(`${PLACE}/reload`);
    await page.refresh();
    say(button, t('extensions.loaded', loadedCount));
  } catch (error) {
    if (!error.body?.errors?.length) throw error;
    tell(error.body.errors);
  }
});

onAction('extension-trust', async ({ dataset }) => {
  tell([]);
  await post(`${PLACE}/trust`, { agentId: dataset.agentId, digest: dataset.digest, accept: dataset.accept === 'true' });
  await page.refresh();
});
