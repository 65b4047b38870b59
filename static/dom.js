// Small helpers for making nodes. Text goes in as text, never as markup.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// A sentence with its commands as code. They stand between backticks, as in a terminal; backticks that are no pairs are left alone.
export function pieces(sentence) {
  const texts = sentence.split('`');
  if (texts.length % 2 === 0) return [sentence];
  return texts.map((text, at) => (at % 2 ? make('code', {}, text) : text));
}

// Shows a failure's sentence at a place, or takes it away.
export function fault(place, error) {
  place.hidden = !error;
  place.replaceChildren(...(error ? pieces(error.message) : []));
}

export function saveText(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = make('a', { href: url, download: name.replace(/[^A-Za-z0-9._-]/g, '_') });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
