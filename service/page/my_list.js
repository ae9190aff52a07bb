// The list somebody brings: chosen, dropped or pasted; titles are shown as found before they count.

import { ask } from "./api.js";
import { element, facts } from "./cards.js";
import { parseList, textOf } from "./lists.js";

const KEPT_AS = "osusume-list";
const MAX_LINES = 500;
const MAX_ENTRIES = 20000;
const AT_ONCE = 6;
// Below this, a title is like another by chance.
const LEAST_RELEVANCE = 0.5;

/** Make the panel work; `use` gets every list that is ready. */
export function bringList({ form, file, text, review }, { use, attempt, report }) {
  function take({ entries, names }, label) {
    if (!entries.length) throw new Error("No anime is on this list.");
    if (entries.length > MAX_ENTRIES) throw new Error(`The list has ${entries.length} entries; at most ${MAX_ENTRIES} are read.`);
    review.hidden = true;
    const list = { entries, names: Object.fromEntries(names), label };
    keep(list);
    use(list);
  }

  async function read(content, label) {
    const parsed = parseList(content);
    if (parsed.entries) take(parsed, label);
    else await findTitles(parsed.lines);
  }

  async function findTitles(lines) {
    if (lines.length > MAX_LINES) throw new Error(`These are ${lines.length} lines; at most ${MAX_LINES} titles are looked up.`);
    report(`Looking up ${lines.length} titles …`);
    const found = await mapInTurns(lines, lookUp);
    showReview(found);
    report("");
  }

  function showReview(found) {
    const rows = found.map(reviewRow);
    const missing = found.filter(({ choices }) => !choices.length).length;
    const submit = element("button", { type: "button" }, "Recommend");
    submit.addEventListener("click", () => attempt(() => take(accepted(found, rows), "your titles")));
    review.replaceChildren(
      element("h2", {}, "Is this what you meant?"),
      element("p", {}, missing ? `${missing} of ${found.length} lines are like no title of this model.` : "Untick what is wrong, or choose another."),
      element("ul", { className: "found" }, ...rows.map(({ row }) => row)),
      element("div", { className: "row" }, submit),
    );
    review.hidden = false;
    review.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => read(text.value, "your titles"));
  });
  file.addEventListener("change", () => attempt(async () => {
    const [chosen] = file.files;
    // So that the same file can be chosen again after it was mended.
    if (chosen) await textOf(chosen).then((content) => read(content, chosen.name)).finally(() => { file.value = ""; });
  }));
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    const [dropped] = event.dataTransfer.files;
    attempt(async () => (dropped ? read(await textOf(dropped), dropped.name) : read(event.dataTransfer.getData("text"), "your titles")));
  });
}

/** The list of this tab, or null. */
export function keptList() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT_AS));
  } catch {
    return null;
  }
}

function keep(list) {
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(list));
  } catch {
    // Storage is full or forbidden: the list then lasts until the page is left.
  }
}

async function lookUp(line) {
  const adult = { include_adult: true };
  if (line.animeId !== undefined) {
    try {
      const { data } = await ask(`anime/${line.animeId}`);
      return { line, choices: [data] };
    } catch (error) {
      if (error.status !== 404) throw error;
      return { line, choices: [] };
    }
  }
  const { data } = await ask("anime", { query: line.title.slice(0, 200), limit: 5, ...adult });
  return { line, choices: data.filter((anime) => anime.relevance >= LEAST_RELEVANCE) };
}

function reviewRow({ line, choices }) {
  if (!choices.length) {
    return { row: element("li", { className: "missing" }, element("span", { className: "typed" }, line.title), element("span", {}, "not found")) };
  }
  const tick = element("input", { type: "checkbox", checked: true, ariaLabel: `Count ${line.title}` });
  const choice = element("select", { ariaLabel: `What ${line.title} is` });
  choice.append(...choices.map((anime, place) => element("option", { value: place }, `${anime.name} (${facts(anime)})`)));
  const rated = line.rating === undefined ? null : element("span", { className: "rated" }, `★ ${line.rating}`);
  return { tick, choice, row: element("li", {}, tick, element("span", { className: "typed" }, line.title), choice, rated) };
}

function accepted(found, rows) {
  const names = new Map();
  const entries = found.flatMap(({ line, choices }, place) => {
    if (!rows[place].tick?.checked) return [];
    const anime = choices[Number(rows[place].choice.value)];
    names.set(anime.anime_id, anime.name);
    return [line.rating === undefined ? { anime_id: anime.anime_id } : { anime_id: anime.anime_id, rating: line.rating }];
  });
  return { entries, names };
}

/** Map with a few questions under way at a time, in order. */
async function mapInTurns(items, work) {
  const results = new Array(items.length);
  let next = 0;
  async function runner() {
    while (next < items.length) {
      const place = next++;
      results[place] = await work(items[place]);
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, runner));
  return results;
}
