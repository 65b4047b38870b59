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

// Puts the words into what the server did not render for this language.
export function localise(root) {
  for (const node of root.querySelectorAll('[data-i18n]')) node.textContent = t(node.dataset.i18n);
  for (const node of root.querySelectorAll('[data-i18n-title]')) node.title = t(node.dataset.i18nTitle);
  for (const node of root.querySelectorAll('[data-i18n-label]')) node.setAttribute('aria-label', t(node.dataset.i18nLabel));
}
