// Makes a part of the page look like its fresh rendering, touching only what differs: focus, scroll positions, open
// folds, selected text and half-typed text stay.
//
//   data-key      names a node among its siblings, so that it is moved or kept, never taken for another
//   data-keep     is filled by the page itself; its content is left alone
//   data-js-own   was added by the page; the fresh rendering knows nothing about it
//   data-js-dirty is a form with typed text; it is left as it is, and waits in `stash` when its place is gone
const stash = new Map();
let onDirtyMet = () => {};

// Called with a dirty form and its fresh rendering.
export function whenDirtyMet(handler) { onDirtyMet = handler; }

const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;
const keyOf = (node) => (isElement(node) ? node.dataset.key ?? null : null);
const isOwn = (node) => isElement(node) && node.hasAttribute('data-js-own');
const isDirty = (node) => isElement(node) && node.hasAttribute('data-js-dirty');
const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;

export function takeStashed(key) {
  const form = stash.get(key);
  stash.delete(key);
  return form ?? null;
}

function put(node) {
  if (!isElement(node)) return;
  const dirty = [node, ...node.querySelectorAll('[data-js-dirty]')].filter((one) => isDirty(one) && keyOf(one));
  for (const form of dirty) stash.set(keyOf(form), form);
}

function fresh(want) {
  const node = document.importNode(want, true);
  if (!isElement(node) || stash.size === 0) return node;
  for (const place of [node, ...node.querySelectorAll('[data-key]')]) {
    const form = stash.get(keyOf(place));
    if (!form) continue;
    stash.delete(keyOf(place));
    form.removeAttribute('data-js-own');
    onDirtyMet(form, place);
    if (place === node) return form;
    place.replaceWith(form);
    // A fold with typed text inside opens again.
    form.closest('details')?.setAttribute('open', '');
  }
  return node;
}

export function morph(parent, next) {
  const active = document.activeElement;
  const wanted = new Set([...next.children].map(keyOf).filter((key) => key !== null));
  const keyed = new Map();
  for (const child of [...parent.children]) {
    const key = keyOf(child);
    if (key === null || isOwn(child)) continue;
    if (wanted.has(key)) keyed.set(key, child);
    else { put(child); child.remove(); }
  }
  let cursor = parent.firstChild;
  for (const want of [...next.childNodes]) {
    while (cursor && isOwn(cursor)) cursor = cursor.nextSibling;
    const key = keyOf(want);
    let match = null;
    if (key !== null) match = keyed.get(key) ?? null;
    else if (cursor && keyOf(cursor) === null && same(cursor, want)) match = cursor;
    if (match && !same(match, want)) { put(match); if (match === cursor) cursor = cursor.nextSibling; match.remove(); match = null; }
    if (!match) { parent.insertBefore(fresh(want), cursor); continue; }
    if (match === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(match, cursor);
    morphNode(match, want);
  }
  while (cursor) {
    const dead = cursor;
    cursor = cursor.nextSibling;
    if (!isOwn(dead)) { put(dead); dead.remove(); }
  }
  if (active && active !== document.activeElement && active.isConnected && active !== document.body) active.focus({ preventScroll: true });
}

function morphNode(node, want) {
  if (!isElement(node)) {
    if (node.nodeValue !== want.nodeValue) node.nodeValue = want.nodeValue;
    return;
  }
  if (isDirty(node)) { onDirtyMet(node, want); return; }
  if (node.isEqualNode(want)) return;
  const tail = node.hasAttribute('data-tail') && node.scrollTop + node.clientHeight >= node.scrollHeight - 4;
  attributes(node, want);
  if (node.hasAttribute('data-keep')) return;
  if (node.nodeName === 'TEMPLATE') { node.content.replaceChildren(document.importNode(want.content, true)); return; }
  // A choice that was made stays, whatever the list now offers around it.
  const chosen = node.nodeName === 'SELECT' && node.hasAttribute('data-js-touched') ? node.value : null;
  morph(node, want);
  if (chosen !== null) node.value = chosen;
  if (tail) node.scrollTop = node.scrollHeight;
}

function attributes(node, want) {
  for (const { name, value } of [...want.attributes]) {
    if (name === 'open' && node.nodeName === 'DETAILS') continue;
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  for (const { name } of [...node.attributes]) {
    const ours = name.startsWith('data-js-') || (name === 'open' && node.nodeName === 'DETAILS');
    if (!ours && !want.hasAttribute(name)) node.removeAttribute(name);
  }
}
