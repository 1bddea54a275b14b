// How do the rows behind a number open beside the page? A link marked data-panel is an ordinary link to a page of
// its own; here it opens in a dialog over this one. The address is that page's, so it can be shared and reloaded;
// Back, Escape, the close button and a click beside the panel close it, and the focus returns to the link.

const panel = () => document.getElementById("panel");
let asking = null;
let under = null; // the address of the page under the panel, while the panel's own stands in the address bar
let cameFrom = null;
let opener = null;

/** Opens the page at `href` in the panel; as the page itself where it cannot be shown so. */
export async function openPanel(href, { isForward = false } = {}) {
  const url = new URL(href, location.href);
  const dialog = panel();
  if (!dialog) {
    location.assign(url);
    return;
  }
  asking?.abort();
  asking = new AbortController();
  const around = dialog.open ? dialog : document.getElementById("main");
  around.classList.add("htmx-request");
  try {
    const headers = { "HX-Request": "true", "HX-Target": "panel" };
    const answer = await fetch(url, { headers, signal: asking.signal });
    if (!answer.ok || answer.redirected) {
      location.assign(url);
      return;
    }
    dialog.innerHTML = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
    return;
  } finally {
    around.classList.remove("htmx-request");
  }
  globalThis.htmx?.process(dialog);
  if (!isForward) {
    const state = { panel: url.href };
    under ??= location.href;
    if (history.state?.panel) history.replaceState(state, "", url);
    else history.pushState(state, "", url);
  }
  if (!dialog.open) {
    opener = document.activeElement;
    dialog.showModal();
  }
  dialog.querySelector("#panel-title").focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-panel]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (link && isPlain) {
    event.preventDefault();
    openPanel(link.href);
  } else if (event.target === panel() || event.target.closest("[data-panel-close]")) {
    panel().close();
  }
});

// "close" does not bubble, but it can be caught on its way down.
document.addEventListener(
  "close",
  (event) => {
    if (event.target !== panel()) return;
    if (history.state?.panel) history.back();
    else under = null;
  },
  true,
);

// The page under the panel is still there: going back to it, htmx need neither fetch it anew nor take the focus.
globalThis.navigation?.addEventListener(
  "navigate",
  (event) => {
    if (event.navigationType !== "traverse") return;
    if (under === null) cameFrom = location.href;
    else if (event.destination.url === under) event.stopImmediatePropagation();
  },
  true,
);

addEventListener(
  "popstate",
  (event) => {
    if (event.state?.panel) {
      under = cameFrom;
      openPanel(event.state.panel, { isForward: true });
      return;
    }
    if (location.href === under) event.stopImmediatePropagation();
    under = null;
    if (panel()?.open) panel().close();
    keepFocus(opener);
    opener = null;
  },
  true,
);

/** The browser drops the focus a moment after going back in history; whoever moves it meanwhile keeps it. */
function keepFocus(element) {
  if (!element?.isConnected) return;
  const focus = () => element.focus({ preventScroll: true });
  const again = (event) => {
    if (!event.relatedTarget) setTimeout(focus);
  };
  element.addEventListener("blur", again);
  setTimeout(() => element.removeEventListener("blur", again), 600);
  focus();
}
