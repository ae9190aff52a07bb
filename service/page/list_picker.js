// A list that somebody brings: a file, pasted text, or the name of an AniList account. The service reads it.

import { ask } from "./api.js";
import { attempt, button, counted, element, report } from "./dom.js";

const ANILIST = "https://graphql.anilist.co";
const ANILIST_QUERY = `query ($name: String) { MediaListCollection(userName: $name, type: ANIME) {
  lists { entries { status score(format: POINT_10) media { idMal title { romaji english } } } } } }`;
let n_pickers = 0;

/** Make a form that brings a list; `use` gets it, and the titles of its entries, once it is read. */
export function listPicker(title, use) {
  const id = `picker-${++n_pickers}`;
  const file = element("input", { type: "file", id: `${id}-file`, className: "unseen", accept: ".xml,.gz,.zip,.json,.csv,.tsv,.txt" });
  const text = element("textarea", {
    rows: 4, ariaLabel: "Titles, one per line", placeholder: "Cowboy Bebop, 9\nshingeki no kyojin\nhttps://myanimelist.net/anime/5114",
  });
  const name = element("input", { ariaLabel: "AniList user name", placeholder: "AniList user name", maxLength: 50, autocomplete: "off" });
  const review = element("div", { className: "review", hidden: true });
  const form = element(
    "form",
    { className: "panel picker", ariaLabel: title },
    element("h2", {}, title),
    element("label", { className: "drop", htmlFor: file.id }, file, element("b", {}, "Choose a file"), " or drop it here",
      element("small", {}, "MyAnimeList, AniList, Kitsu, Shikimori, Simkl exports; CSV; titles line by line")),
    part("Paste titles", text, button("Find them", () => attempt(() => read(new Blob([text.value]), "pasted.txt", "your titles")))),
    part("Take it from AniList", name, button("Ask AniList", () => attempt(() => fromAniList(name.value.trim()))),
      element("small", {}, "Your browser asks anilist.co; the service does not.")),
    review,
  );

  async function read(content, fileName, label) {
    report(`Reading ${label} …`);
    const body = new FormData();
    body.append("file", content, fileName);
    const found = await ask("import", [], body);
    report("");
    if (found.uncertain.length || !found.ratings.length) showReview(found, label);
    else take(found, [], label);
  }

  function take(found, more, label) {
    const entries = [...found.ratings, ...more].map(entryFrom);
    const titles = Object.fromEntries([...found.matched, ...more].map((entry) => [entry.anime_id, entry.title]));
    review.hidden = true;
    use({ entries, name: label }, titles, found);
  }

  function showReview(found, label) {
    const rows = found.uncertain.map((entry) => {
      const tick = element("input", { type: "checkbox" });
      return { entry, tick, row: element("li", {}, element("label", {}, tick, element("span", {}, entry.title ?? ""), element("span", {}, `→ ${entry.suggestion.title}`))) };
    });
    const accept = () => {
      const more = rows.filter(({ tick }) => tick.checked).map(({ entry }) => ({ ...entry, ...entry.suggestion }));
      if (found.ratings.length + more.length) take(found, more, label);
      else report("No anime is ticked.", { failed: true });
    };
    const isUsable = found.ratings.length + rows.length > 0;
    review.replaceChildren(
      element("h3", {}, isUsable ? "Is this what you meant?" : "Nothing of this can be used"),
      isUsable ? element("p", {}, `${counted(found.ratings.length, "title")} found for sure. Tick what is right of these:`) : "",
      element("ul", {}, ...rows.map(({ row }) => row)),
      ...unmatched(found),
      isUsable ? button("Go on", accept) : "",
    );
    review.hidden = false;
    review.scrollIntoView({ block: "nearest" });
  }

  async function fromAniList(user) {
    if (!user) throw new Error("Which user of AniList?");
    report("Asking AniList …");
    let content;
    try {
      const body = JSON.stringify({ query: ANILIST_QUERY, variables: { name: user } });
      const answer = await fetch(ANILIST, { method: "POST", headers: { "content-type": "application/json" }, body, referrerPolicy: "no-referrer" });
      if (answer.status === 404) throw Object.assign(new Error(`AniList has no user ${user}, or their list is private.`), { known: true });
      content = await answer.text();
    } catch (error) {
      throw error.known ? error : new Error("AniList does not answer. Try again, or bring a file.");
    }
    await read(new Blob([content]), "anilist.json", `${user} on AniList`);
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  file.addEventListener("change", () => attempt(async () => {
    const [chosen] = file.files;
    // So that the same file can be chosen again after it was mended.
    if (chosen) await read(chosen, chosen.name, chosen.name).finally(() => { file.value = ""; });
  }));
  for (const what of ["dragenter", "dragover"]) {
    form.addEventListener(what, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  for (const what of ["dragleave", "drop"]) form.addEventListener(what, () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    const [dropped] = event.dataTransfer.files;
    const content = dropped ?? new Blob([event.dataTransfer.getData("text")]);
    attempt(() => read(content, dropped?.name ?? "pasted.txt", dropped?.name ?? "your titles"));
  });
  return form;
}

function part(words, ...content) {
  return element("details", {}, element("summary", {}, words), element("div", { className: "row" }, ...content));
}

/** An entry as POST /recommendations takes it. */
function entryFrom({ anime_id, rating, status }) {
  const entry = { anime_id };
  if (rating) entry.rating = rating;
  if (status) entry.status = status;
  return entry;
}

/** What an import could not use, with the reason, to be unfolded. */
export function unmatched(found) {
  const notes = found.notes.map((note) => element("p", { className: "note" }, note));
  if (!found.unmatched.length) return notes;
  const rows = found.unmatched.map(({ place, title, reason }) => element("li", {}, `${title || place}: ${reason}`));
  const summary = element("summary", {}, `${counted(found.unmatched.length, "entry", "entries")} could not be used`);
  return [...notes, element("details", {}, summary, element("ul", {}, ...rows))];
}
