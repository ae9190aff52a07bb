// What this browser keeps for the visitor: their list, what does not interest them, and whether covers may be loaded.

const KEPT_AS = "osusume";
const EMPTY = { name: "", entries: [], titles: {}, hidden: {}, covers: false };
let kept = read();

function read() {
  try {
    return { ...EMPTY, ...JSON.parse(localStorage.getItem(KEPT_AS)) };
  } catch {
    return { ...EMPTY };
  }
}

function keep(changes) {
  kept = { ...kept, ...changes };
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(kept));
  } catch {
    // Storage is full or forbidden: it then lasts until the page is left.
  }
}

// Another tab may have changed it.
addEventListener("storage", (event) => { if (event.key === KEPT_AS) kept = read(); });

export const myList = () => (kept.entries.length ? { entries: kept.entries, name: kept.name } : null);
export const entryOf = (id) => kept.entries.find((entry) => entry.anime_id === id);
export const titleOf = (id) => kept.titles[id] ?? kept.hidden[id] ?? `anime ${id}`;
export const hiddenIds = () => Object.keys(kept.hidden).map(Number);
export const mayLoadCovers = () => kept.covers;
export const allowCovers = (covers) => keep({ covers });

/** Take a list as the visitor's own; titles are for what the model does not know. */
export function takeList({ entries, name }, titles = {}) {
  keep({ entries, name, titles });
}

/** Put an anime on the list, or change what it says there. */
export function putOnList(entry, title) {
  const others = kept.entries.filter((one) => one.anime_id !== entry.anime_id);
  keep({ entries: [...others, entry], titles: { ...kept.titles, [entry.anime_id]: title }, name: kept.name || "your list" });
}

export function takeOffList(id) {
  keep({ entries: kept.entries.filter((entry) => entry.anime_id !== id) });
}

export function hide(id, title) {
  // The service takes a thousand.
  keep({ hidden: Object.fromEntries([...Object.entries(kept.hidden), [id, title]].slice(-1000)) });
}

export function showAgain(id) {
  const { [id]: _, ...others } = kept.hidden;
  keep({ hidden: id === undefined ? {} : others });
}

export function forgetList() {
  keep({ entries: [], titles: {}, name: "" });
}
