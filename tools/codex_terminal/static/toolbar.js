// The bar above the picture, the search box and the dialogs: words, badges, buttons, keys. Decides nothing about the
// terminal.

const byId = (id) => document.getElementById(id);
// Controls, directions, what has no width: characters that nobody sees.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;
const HITS_COUNTED = 1000; // the search add-on counts no further

/** actions: pause, latest, copy, download, font(step), search(needle, backwards, options), searchEnd, focusScreen */
export class Toolbar {
  constructor(texts, actions) {
    this.texts = texts;
    this.actions = actions;
    this.shown = { state: "connecting", exit: null, paused: false, readOnly: false, file: false };
    this.bind();
    this.translate(texts);
  }

  bind() {
    const on = (id, run) => byId(id).addEventListener("click", run);
    on("pause", () => this.actions.pause());
    on("latest", () => this.actions.latest());
    on("copy", () => this.actions.copy());
    on("download", () => this.actions.download());
    on("smaller", () => this.actions.font(-1));
    on("larger", () => this.actions.font(1));
    on("find", () => this.toggleSearch());
    on("keys-open", () => {
      byId("keys").showModal();
      // From its beginning, and arrows scroll it.
      byId("keys-list").focus();
    });
    on("previous", () => this.find(true));
    on("search-close", () => this.toggleSearch(false));
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.find(false);
    });
    byId("needle").addEventListener("input", () => this.find(false, true));
    for (const id of ["search-case", "search-regex"]) byId(id).addEventListener("change", () => this.find(false, true));
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggleSearch(false);
      else if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        this.find(true);
      }
    });
    byId("bar").addEventListener("keydown", (event) => this.walk(event));
    // Who uses the mouse goes on typing; who came by keyboard stays where they are.
    byId("bar").addEventListener("click", (event) => {
      const opens = event.target.closest("#find, #keys-open");
      if (event.detail > 0 && event.target.closest("button") && !opens) this.actions.focusScreen();
    });
    // One stop for the Tab key, at the button that was used last; arrows go on from there.
    byId("bar").addEventListener("focusin", (event) => this.stopAt(event.target));
    this.stopAt(byId("pause"));
  }

  buttons() {
    return [...byId("bar").querySelectorAll("button")].filter((button) => button.offsetParent !== null);
  }

  stopAt(stop) {
    for (const button of byId("bar").querySelectorAll("button")) button.tabIndex = button === stop ? 0 : -1;
  }

  walk(event) {
    const buttons = this.buttons();
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") this.actions.focusScreen();
    else if (at < 0) return;
    else if (step) buttons[(at + step + buttons.length) % buttons.length].focus();
    else if (event.key === "Home") buttons[0].focus();
    else if (event.key === "End") buttons.at(-1).focus();
    else return;
    event.preventDefault();
  }

  translate(texts) {
    this.texts = texts;
    const say = (id, text, hint = text) => {
      // Where there is only room for the icon, the hint says the rest.
      const label = byId(id).querySelector("svg + span");
      (label ?? byId(id)).textContent = text;
      byId(id).title = hint;
      if (label) byId(id).setAttribute("aria-label", text);
    };
    byId("bar").setAttribute("aria-label", texts.toolbar);
    say("latest", texts.latest, texts.latestHint);
    say("find", texts.find, texts.findHint);
    say("copy", texts.copy, texts.copyHint);
    say("download", texts.download, texts.downloadHint);
    say("keys-open", texts.keys, texts.keysHint);
    say("badge-size", texts.otherSize, texts.otherSizeHint);
    say("link-cancel", texts.cancel);
    say("link-open", texts.open);
    say("keys-close", texts.keysClose);
    byId("leave").querySelector("span").textContent = texts.leave;
    for (const id of ["smaller", "larger", "previous", "next"]) {
      byId(id).title = texts[id];
      byId(id).setAttribute("aria-label", texts[id]);
    }
    byId("search-close").title = texts.close;
    byId("search-close").setAttribute("aria-label", texts.close);
    byId("needle").placeholder = texts.needle;
    byId("needle").setAttribute("aria-label", texts.needle);
    for (const [id, text, hint] of [["search-case", texts.matchCase, texts.caseHint], ["search-regex", texts.regex, texts.regexHint]]) {
      byId(id).nextElementSibling.textContent = text;
      byId(id).setAttribute("aria-label", hint);
      byId(id).parentElement.title = hint;
    }
    byId("keys").setAttribute("aria-label", texts.keysHint);
    byId("keys-list").replaceChildren(...texts.keysList.flatMap(([keys, what]) => {
      const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = keys;
      meaning.textContent = what;
      return [term, meaning];
    }));
    this.state(this.shown.state);
    this.paused(this.shown.paused);
    this.readOnly(this.shown.readOnly, this.shown.file);
    if (this.shown.exit) this.exited(this.shown.exit);
  }

  title(named) {
    // Whoever named it may have used characters that nobody sees.
    const text = named.replace(UNSEEN, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
    byId("title").textContent = text;
    byId("title").title = text;
    document.title = text || "Terminal";
  }

  state(name) {
    this.shown.state = name;
    const text = this.texts[name] ?? "";
    byId("status").textContent = text;
    byId("status").title = text;
    document.documentElement.dataset.connection = name;
    this.dot();
  }

  dot() {
    const { state, exit } = this.shown;
    const over = state === "closed" || (state === "live" && exit !== null);
    const live = state === "live" ? this.texts.connected : this.texts[state] ?? "";
    byId("dot").title = state === "live" && over ? this.texts.ended : live;
    byId("dot").dataset.state = over ? "ended" : state === "live" ? "live"
      : state === "connecting" || state === "reconnecting" ? "wait" : "lost";
  }

  /** `file`: what is read is a transcript, nothing that runs. */
  readOnly(yes, file) {
    Object.assign(this.shown, { readOnly: yes, file });
    byId("badge-read").hidden = !yes;
    byId("badge-read").textContent = file ? this.texts.transcript : this.texts.readOnly;
    byId("badge-read").title = file ? this.texts.transcriptHint : this.texts.readOnlyHint;
    byId("keys-rest").textContent = yes ? this.texts.keysRestRead : this.texts.keysRest;
  }

  foreignSize(yes) {
    byId("badge-size").hidden = !yes;
  }

  exited(exit) {
    this.shown.exit = exit;
    this.dot();
    const badge = byId("badge-exit");
    // Who closed the terminal need not be told how its program took that.
    badge.hidden = exit.told === true;
    const parts = exit.signal != null ? this.texts.exitedSignal(exit.signal)
      : exit.code != null ? this.texts.exitedCode(exit.code) : ["", this.texts.ended];
    const how = document.createElement("span");
    how.textContent = parts[0];
    badge.replaceChildren(how, parts[1]);
    badge.title = parts.join("");
    badge.classList.toggle("good", exit.code === 0);
    badge.classList.toggle("bad", exit.signal != null || exit.code > 0);
    badge.classList.toggle("soft", exit.signal == null && exit.code == null);
  }

  paused(yes) {
    this.shown.paused = yes;
    const text = yes ? this.texts.resume : this.texts.pause;
    byId("pause").dataset.on = String(yes);
    byId("pause").setAttribute("aria-label", text);
    byId("pause").querySelector("span").textContent = text;
    byId("pause").title = this.texts.pauseHint;
  }

  behind(yes) {
    byId("latest").hidden = !yes;
  }

  hits(index, count) {
    // Of the pattern before: the add-on counts again a moment after output or a change of size.
    if (this.shown.badRegex) return;
    byId("hits").textContent = byId("needle").value === "" ? "" : this.texts.hits(index, count, count >= HITS_COUNTED);
  }

  goodRegex() {
    this.shown.badRegex = false;
  }

  badRegex() {
    this.shown.badRegex = true;
    byId("hits").textContent = this.texts.badRegex;
  }

  /** Shown for a while, or until `hide`. */
  notice(text, forMs = 6000) {
    clearTimeout(this.noticeTimer);
    byId("notice").textContent = text;
    byId("notice").hidden = text === "";
    if (text !== "" && forMs > 0) this.noticeTimer = setTimeout(() => this.notice(""), forMs);
  }

  toggleSearch(open = byId("search").hidden) {
    byId("search").hidden = !open;
    if (open) {
      byId("needle").focus();
      byId("needle").select();
      this.find(false, true);
    } else {
      this.actions.searchEnd();
      this.actions.focusScreen();
    }
  }

  find(backwards, incremental = false) {
    const options = { caseSensitive: byId("search-case").checked, regex: byId("search-regex").checked, incremental };
    this.actions.search(byId("needle").value, backwards, options);
  }

  focus() {
    const buttons = this.buttons();
    (buttons.find((button) => button.tabIndex === 0) ?? buttons[0]).focus();
  }

  /** Asks before a program's own link is followed. */
  async confirmLink(address) {
    byId("link-question").textContent = this.texts.linkQuestion;
    byId("link-address").textContent = address;
    const dialog = byId("link");
    dialog.returnValue = "cancel";
    dialog.showModal();
    await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
    return dialog.returnValue === "open";
  }
}
