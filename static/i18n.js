// The page's words, from the same dictionary that the server's templates use.
const words = {};
let current = document.documentElement.lang === 'zh' ? 'zh' : 'en';

export function language() { return current; }

// Both languages at once, together with the page itself: nothing that comes later is taken without a proof.
export async function loadWords() {
  await Promise.all(['en', 'zh'].map(async (tag) => {
    const answer = await fetch(`/assets/i18n/${tag}.json`, { credentials: 'omit' });
    if (!answer.ok) throw new Error(`dictionary ${tag}: ${answer.status}`);
    words[tag] = await answer.json();
  }));
}

export function useLanguage(tag) {
  current = tag;
  document.documentElement.lang = tag;
  localise(document);
}

// The text of a key. `values` is an object for {name}s, or the values of {0}, {1}.
export function t(key, ...values) {
  const text = words[current]?.[key] ?? key;
  const named = typeof values[0] === 'object' && values[0] !== null ? values[0] : values;
  return text.replace(/\{(\w+)\}/g, (hole, name) => String(named[name] ?? hole));
}

// The text for one of the API's words; a word that nobody translated shows itself.
export function word(group, name) {
  return words[current]?.[`${group}.${name}`] ?? String(name);
}

// A sentence that was kept as English text, as the journal does, in the page's language; a text that is not ours stays as it
// is. As the server does (`domain::sentence`): the refusals and reasons of the dictionary, the one with the most words first.
export function said(text) {
  return current === 'en' || bytesOf(text) > LONGEST ? text : recognise(text, DEEPEST);
}

// Others may have written it, and looking costs: what is longer, or deeper than so many sentences in each other, stays as it is.
const LONGEST = 4 << 10;
const DEEPEST = 8;
const bytesOf = (text) => (text.length > LONGEST ? text.length : new TextEncoder().encode(text).length);

function recognise(text, levels) {
  if (levels === 0) return text;
  for (const { key, words: own } of known()) {
    const values = valuesOf(own, text);
    if (values) return t(key, Object.fromEntries(values.map(([name, value]) => [name, recognise(value, levels - 1)])));
  }
  return text;
}

const ENOUGH_WORDS = 8;
let recognised = null;

function known() {
  const mine = ([key]) => /^(refusal|reason)\./.test(key);
  // Words at even places, the names of holes between them.
  recognised ??= Object.entries(words.en).filter(mine).map(([key, text]) => ({ key, words: text.split(/\{(\w+)\}/) }))
    .map((entry) => ({ ...entry, length: entry.words.filter((_, index) => index % 2 === 0).join('').length }))
    .filter(({ length }) => length >= ENOUGH_WORDS)
    .sort((a, b) => b.length - a.length || (a.key < b.key ? -1 : 1));
  return recognised;
}

// A hole ends where the words after it begin for the first time; the last one, where the text's last words do.
function valuesOf([first, ...rest], text) {
  if (!text.startsWith(first)) return null;
  const values = [];
  let at = first.length;
  for (let index = 0; index < rest.length; index += 2) {
    const own = rest[index + 1];
    const end = index + 2 < rest.length ? text.indexOf(own, at) : text.endsWith(own) ? text.length - own.length : -1;
    if (end < at) return null;
    values.push([rest[index], text.slice(at, end)]);
    at = end + own.length;
  }
  return at === text.length ? values : null;
}

// Puts the words into what the server did not render for this language.
export function localise(root) {
  for (const node of root.querySelectorAll('[data-i18n]')) node.textContent = t(node.dataset.i18n);
  for (const node of root.querySelectorAll('[data-i18n-title]')) node.title = t(node.dataset.i18nTitle);
  for (const node of root.querySelectorAll('[data-i18n-label]')) node.setAttribute('aria-label', t(node.dataset.i18nLabel));
}
