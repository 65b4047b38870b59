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

// Shows a failure's sentence at a place, or takes it away.
export function fault(place, error) {
  place.hidden = !error;
  place.textContent = error ? error.message : '';
}

export function saveText(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = make('a', { href: url, download: name.replace(/[^A-Za-z0-9._-]/g, '_') });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
