// One entry of the browser's history a page, and each setting once in its address.
// data: {settings: names of the parameters}
// Streamlit (1.67) makes an entry of each value that the server sets, and Back would walk through them all. A click on a
// page's link brings the settings of the address and then those of the link, which may be older. And the page of a run
// that Back has overtaken would become a new entry, after which there is no Forward.

export default function ({ data }) {
  if (window.llmExplorerHistory) return;
  window.llmExplorerHistory = true;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  const once = (address) => withoutSecond(new URL(address ?? location.href, location.href), data.settings);
  let back = false;  // the visitor's newest wish is Back or Forward, not a link
  window.addEventListener("popstate", () => { back = true; }, true);
  window.addEventListener("click", () => { back = false; }, true);
  history.replaceState = (state, title, address) => replace(state, title, once(address));
  history.pushState = (state, title, address) => {
    const next = once(address);
    if (next.pathname === location.pathname) replace(state, title, next);
    else if (!back) push(state, title, next);
  };
}

function withoutSecond(address, names) {
  const seen = new Set();
  const kept = address.search.slice(1).split("&").filter((text) => {
    const name = text.split("=")[0];
    return !names.includes(name) || (!seen.has(name) && seen.add(name));
  });
  address.search = kept.join("&");
  return address;
}
