// What the files of a plan's line stand for in the repository now: asked when a person opens the fold.
import { post } from './api.js';
import { t } from './i18n.js';
import { $, make } from './dom.js';

document.addEventListener('toggle', async ({ target }) => {
  const place = target.dataset?.entries !== undefined && target.open ? $('[data-keep]', target) : null;
  if (!place) return;
  // In a form the person may have changed them since.
  const typed = $('textarea[name="files"]', target.parentElement)?.value;
  const files = (typed ?? target.dataset.entries).split('\n').map((line) => line.trim()).filter(Boolean);
  try {
    const read = files.length ? (await post('/api/read_files', { files })).files : [];
    const items = read.map((entry) => make('li', {}, make('code', {}, entry.entry), ' ', sentence(entry), ...examples(entry)));
    place.replaceChildren(items.length ? make('ul', { class: 'plain small' }, ...items) : make('p', { class: 'muted small' }, t('entries.none')));
  } catch (error) {
    place.replaceChildren(make('p', { class: 'error', role: 'alert' }, error.message));
  }
}, true);

const sentence = ({ reads_as: reads, matches }) => make('span', { class: 'muted' }, {
  file: () => (matches > 1 ? t('entries.file_and', matches - 1) : t('entries.file')),
  folder: () => t('entries.folder', matches),
  new: () => t('entries.new'),
  pattern: () => t('entries.pattern', matches),
  everything: () => t('entries.everything', matches),
  nothing: () => t('entries.nothing'),
}[reads]());

function examples({ reads_as: reads, matches, examples: paths }) {
  if (reads === 'file' && matches === 1) return [];
  const shown = paths.map((path) => make('li', {}, make('code', {}, path)));
  if (matches > paths.length && paths.length) shown.push(make('li', {}, '…'));
  return shown.length ? [make('ul', { class: 'plain' }, ...shown)] : [];
}
