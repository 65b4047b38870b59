// Small helpers for making nodes. Text goes in as text, never as markup, and what nobody would see is spelled out.
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// As the server does (`domain::shown`): characters that show nothing, or change how others are read. Breaks and tabs stay, and
// joiners and selectors where they belong.
const EMOJI = String.raw`\p{Extended_Pictographic}`;
const JOINING = String.raw`[\u0620-\u077F\u08A0-\u0DFF\u1000-\u109F\u1780-\u17D3]`;
const STAYS = [
  String.raw`\n|\t|\r(?=\n)`,
  String.raw`(?<=${EMOJI})[\uFE0E\uFE0F]|(?<=[0-9#*])\uFE0F(?=\u20E3)`,
  String.raw`(?<=(?:${EMOJI}|\p{Emoji_Modifier})[\uFE0E\uFE0F]?)\u200D(?=${EMOJI})`,
  String.raw`(?<=${JOINING})[\u200C\u200D](?=${JOINING})`,
].join('|');
const HIDDEN = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]`;
const UNSEEN = new RegExp(`(${STAYS})|${HIDDEN}`, 'gu');
const spell = (text, as) => String(text).replace(UNSEEN, (c, stays) => (stays === undefined ? as(c) : c));
const number = (c) => c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
export const shown = (text) => spell(text, (c) => `⟨U+${number(c)}⟩`);
const SHOWN_ATTRIBUTES = new Set(['title', 'aria-label']);
// For what is sent: what a person sees is what is done.
export const seen = (text) => spell(text, () => '');

export function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(key, value === true ? '' : SHOWN_ATTRIBUTES.has(key) ? shown(value) : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (typeof child === 'string' ? shown(child) : child)));
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
