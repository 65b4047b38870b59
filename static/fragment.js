// A page that is fetched as one piece and brought up to date in place: while somebody looks at it, and once for a burst of changes.
import { fault } from './dom.js';
import { swap } from './work.js';

// While one types, each pause is a fetch.
const SETTLE_MS = 120;

// `load` gives the fresh rendering; `place` is where a failure is said.
export function fragment(load, place) {
  let on = false;
  let timer = null;
  let loading = null;
  let again = false;

  function refresh() {
    if (loading) { again = true; return loading; }
    loading = (async () => {
      try {
        do {
          again = false;
          const fresh = await load();
          if (on) swap(fresh);
        } while (again);
        fault(place(), null);
      } catch (error) {
        if (error.status !== 401) fault(place(), error);
      } finally {
        loading = null;
      }
    })();
    return loading;
  }

  function stale() {
    if (!on || timer !== null) return;
    timer = setTimeout(() => { timer = null; if (on) refresh(); }, SETTLE_MS);
  }

  function enter() { if (on) return; on = true; refresh(); }
  function leave() { on = false; clearTimeout(timer); timer = null; }

  return { refresh, stale, enter, leave };
}
