// The address holds all that is shown: the view and its id in the path, filters in the query, lists behind the #,
// which browsers do not send to any server.

const STATUSES = ["", "watching", "completed", "on_hold", "dropped", "", "plan_to_watch"];
const BASE = new URL(document.baseURI).pathname;

/** What the address says. */
export function here() {
  const [view = "", ...rest] = location.pathname.slice(BASE.length).split("/");
  return { view, id: decoded(rest.join("/")), query: new URLSearchParams(location.search), lists: listsIn(location.hash) };
}

/** Write an address of this page. */
export function address(view, id = "", query = "", lists = []) {
  const path = id === "" ? view : `${view}/${encodeURIComponent(id)}`;
  const asked = String(query);
  const hash = new URLSearchParams();
  lists.forEach((list, place) => {
    if (!list) return;
    hash.set(place ? "with" : "list", packed(list.entries));
    if (list.name) hash.set(place ? "with_name" : "name", list.name);
  });
  return `${BASE}${path}${asked && "?"}${asked}${hash.size ? "#" : ""}${hash}`;
}

/** Give what tells whether the visitor is still where they are now, once an answer has come. */
export function staying() {
  const { href } = location;
  return () => location.href === href;
}

/** Go to an address; `replace` where going back should not lead here again. */
export function go(to, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", to);
  dispatchEvent(new Event("navigate-here"));
}

/** Let links within the page be followed without loading it anew. */
export function follow(show) {
  addEventListener("navigate-here", () => show());
  addEventListener("popstate", () => show());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || !("inside" in link.dataset)) return;
    event.preventDefault();
    go(link.href);
    scrollTo(0, 0);
  });
  show();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    // Somebody wrote a plain "%".
    return part;
  }
}

function listsIn(hash) {
  const parts = new URLSearchParams(hash.slice(1));
  return [["list", "name"], ["with", "with_name"]].map(([list, name]) => {
    const entries = unpacked(parts.get(list) ?? "");
    return entries.length ? { entries, name: parts.get(name) ?? "" } : null;
  });
}

/** Write a list as text for an address: about four characters an entry. */
export function packed(entries) {
  const bytes = [];
  let before = 0;
  for (const entry of [...entries].sort((one, other) => one.anime_id - other.anime_id)) {
    let step = entry.anime_id - before;
    before = entry.anime_id;
    // Seven bits at a time, the last without the eighth.
    for (; step > 127; step = Math.floor(step / 128)) bytes.push((step % 128) + 128);
    bytes.push(step, (entry.rating ?? 0) + 16 * Math.max(0, STATUSES.indexOf(entry.status ?? "")));
  }
  const text = bytes.map((byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Read such a text; what is damaged is left out. */
export function unpacked(text) {
  let bytes;
  try {
    bytes = Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  } catch {
    return [];
  }
  const entries = [];
  let animeId = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    let worth = 1;
    for (; bytes[at] > 127; at += 1, worth *= 128) animeId += (bytes[at] - 128) * worth;
    animeId += (bytes[at] ?? 0) * worth;
    const said = bytes[at + 1] ?? 0;
    const entry = { anime_id: animeId };
    if (said % 16 >= 1 && said % 16 <= 10) entry.rating = said % 16;
    if (STATUSES[said >> 4]) entry.status = STATUSES[said >> 4];
    if (Number.isSafeInteger(animeId)) entries.push(entry);
  }
  return entries;
}
