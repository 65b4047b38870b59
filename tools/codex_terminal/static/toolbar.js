// The bar above the picture and the search box: words, badges, buttons, keys. Decides nothing about the terminal.

const byId = (id) => document.getElementById(id);

/** actions: pause, latest, copy, download, font(step), search(needle, backwards, options), searchEnd, focusScreen */
export class Toolbar {
  constructor(texts, actions) {
    this.texts = texts;
    this.actions = actions;
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
    byId("bar").addEventListener("keydown", (event) => {
      const buttons = [...byId("bar").querySelectorAll("button:not([hidden])")];
      const at = buttons.indexOf(document.activeElement);
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step && at >= 0) buttons[(at + step + buttons.length) % buttons.length].focus();
      else if (event.key === "Escape") this.actions.focusScreen();
    });
  }

  translate(texts) {
    this.texts = texts;
    const say = (id, text, hint = text) => {
      byId(id).textContent = text;
      byId(id).title = hint;
    };
    byId("bar").setAttribute("aria-label", texts.toolbar);
    say("pause", texts.pause, texts.pauseHint);
    say("latest", texts.latest);
    say("find", texts.find, texts.findHint);
    say("copy", texts.copy, texts.copyHint);
    say("download", texts.download, texts.downloadHint);
    say("badge-read", texts.readOnly);
    say("badge-size", texts.otherSize);
    say("link-cancel", texts.cancel);
    say("link-open", texts.open);
    for (const id of ["smaller", "larger", "previous", "next"]) {
      byId(id).title = texts[id];
      byId(id).setAttribute("aria-label", texts[id]);
    }
    byId("search-close").title = texts.close;
    byId("needle").placeholder = texts.needle;
    byId("needle").setAttribute("aria-label", texts.needle);
    for (const [id, text, hint] of [["search-case", texts.matchCase, texts.caseHint], ["search-regex", texts.regex, texts.regexHint]]) {
      byId(id).nextElementSibling.textContent = text;
      byId(id).setAttribute("aria-label", hint);
      byId(id).parentElement.title = hint;
    }
  }

  title(text) {
    byId("title").textContent = text;
    byId("title").title = text;
    document.title = text || "Terminal";
  }

  state(name) {
    byId("status").textContent = this.texts[name] ?? "";
    byId("dot").dataset.state = name === "live" ? "live" : name === "closed" ? "ended"
      : name === "connecting" || name === "reconnecting" ? "wait" : "lost";
    document.documentElement.dataset.connection = name;
  }

  readOnly(yes) {
    byId("badge-read").hidden = !yes;
  }

  foreignSize(yes) {
    byId("badge-size").hidden = !yes;
  }

  exited({ code, signal }) {
    const badge = byId("badge-exit");
    badge.hidden = false;
    badge.textContent = signal == null ? this.texts.exitedCode(code) : this.texts.exitedSignal(signal);
    badge.classList.toggle("good", code === 0);
    badge.classList.toggle("bad", code !== 0);
  }

  paused(yes) {
    byId("pause").setAttribute("aria-pressed", String(yes));
    byId("pause").textContent = yes ? this.texts.resume : this.texts.pause;
  }

  behind(yes) {
    byId("latest").hidden = !yes;
  }

  hits(index, count) {
    byId("hits").textContent = byId("needle").value === "" ? "" : this.texts.hits(index, count);
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
    byId("pause").focus();
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
