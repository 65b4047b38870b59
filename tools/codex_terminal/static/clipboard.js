// The person's clipboard: copying what is selected, and cleaning what is pasted. Programs have no way to it.

// Keys and ends of brackets hide in control characters: a paste is text, tabs and line ends.
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

export function cleanPaste(text) {
  return text.replace(CONTROLS, "");
}

/** Pastes into the terminal go through `paste` with their text, clean. */
export function catchPastes(element, paste) {
  element.addEventListener("paste", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const text = cleanPaste(event.clipboardData?.getData("text/plain") ?? "");
    if (text !== "") paste(text);
  }, true);
}

/** Whether `text` is in the clipboard now. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // In a frame without that permission: the old way, which asks for an event to fill.
    return copyByEvent(text);
  }
}

function copyByEvent(text) {
  let filled = false;
  const fill = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
    filled = true;
  };
  // Browsers copy only where something is selected.
  const focused = document.activeElement;
  const holder = document.createElement("textarea");
  holder.value = text;
  holder.style.cssText = "position:fixed;opacity:0";
  document.body.append(holder);
  holder.select();
  document.addEventListener("copy", fill, true);
  try {
    return document.execCommand("copy") && filled;
  } finally {
    document.removeEventListener("copy", fill, true);
    holder.remove();
    focused?.focus();
  }
}
