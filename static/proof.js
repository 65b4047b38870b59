// Whether an answer comes from the server that this page signed in to, and not from whoever took its port meanwhile. The sign-in gave the
// page a public key: a request carries a challenge, its answer a signature of it (src/access/proof.rs).
import { t } from './i18n.js';

const bytesOf = (text) => new TextEncoder().encode(text);

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

function bytesIn(text) {
  try { return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)); } catch { return new Uint8Array(); }
}

export function importKey(text) {
  return crypto.subtle.importKey('raw', bytesIn(text), 'Ed25519', false, ['verify'])
    .catch(() => { throw new Error(t('signin.old_browser')); });
}

export function newChallenge() { return base64url(crypto.getRandomValues(new Uint8Array(16))); }

export async function isProven(key, challenge, method, path, answer) {
  const proof = answer.headers.get('X-Zhongshu-Proof');
  if (proof === null) return false;
  const { pathname, search } = new URL(path, location.href);
  return crypto.subtle.verify('Ed25519', await key, bytesIn(proof), bytesOf(`zhongshu\n${challenge}\n${method} ${pathname}${search}\n${answer.status}`));
}
