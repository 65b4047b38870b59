// Keys that are pressed right behind a composed character (Chinese, Japanese, Korean) wait for it. xterm.js sends the
// character from a timer, and a key that comes before the timer would take its place: a busy page lost characters.

const COMPOSING = 229; // the key code of keys that an input method keeps to itself
const MODIFIERS = ["Shift", "Control", "Alt", "Meta", "CapsLock"];

/** `type(text)` takes what a key means by itself. */
export function keepOrder(host, textarea, type) {
  let unsent = 0; // characters on their way into the terminal
  let waiting = [];
  const released = new WeakSet();

  // Behind the terminal's own listener, so this timer comes behind its timer.
  textarea.addEventListener("compositionend", () => {
    unsent += 1;
    setTimeout(() => {
      unsent -= 1;
      if (unsent === 0) release();
    }, 0);
  });

  // Before the terminal's own listener.
  host.addEventListener("keydown", (event) => {
    if (unsent === 0 || released.has(event) || event.keyCode === COMPOSING || MODIFIERS.includes(event.key)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.push(event);
  }, true);

  function release() {
    const keys = waiting;
    waiting = [];
    for (const key of keys) {
      const plain = !key.ctrlKey && !key.altKey && !key.metaKey;
      if (key.key.length === 1 && (plain || key.getModifierState("AltGraph"))) {
        type(key.key);
        continue;
      }
      const { bubbles, cancelable, composed, code, location, repeat, keyCode, which } = key;
      const { ctrlKey, shiftKey, altKey, metaKey } = key;
      const again = new KeyboardEvent("keydown", {
        bubbles, cancelable, composed, key: key.key, code, location, repeat, keyCode, which, ctrlKey, shiftKey, altKey, metaKey,
      });
      released.add(again);
      textarea.dispatchEvent(again);
    }
  }
}
