// The page of the service: asks its own API, and nothing else.

import { ask } from "./api.js";
import { card, element } from "./cards.js";
import { bringList, keptList } from "./my_list.js";
import { suggestTitles } from "./suggestions.js";

const PAGE_SIZE = 12;
const FILTERS = ["type", "genre", "year_from", "min_score", "max_members"];

const byId = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
const status = byId("status");

// What is shown: the route that lists it, and how many rows are there already.
let shown = { source: null, offset: 0 };
let requested = 0;
let myList = keptList();

function report(text, failed = false, ...more) {
  status.replaceChildren(text, ...more);
  status.classList.toggle("failed", failed);
}

/** Run something that asks, and say what went wrong where the user looks. */
async function attempt(task) {
  try {
    await task();
  } catch (error) {
    report(error.message, true);
    status.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
}

// What can be listed. Titles have no franchises to collapse.
const titles = { path: "anime" };
const similarTo = (id) => ({ path: `anime/${encodeURIComponent(id)}/similar`, collapses: true });
const forUser = (id) => ({ path: `users/${encodeURIComponent(id)}/recommendations`, collapses: true });
const forList = (list) => ({ path: "recommendations", collapses: true, body: { ratings: list.entries }, list });

function parametersOf(source) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, byId(name).value]));
  return source.collapses ? { ...filters, collapse_franchise: byId("collapse_franchise").checked } : filters;
}

/** Show the first page of a list, or the next one of the same. */
async function show(source, { next = false } = {}) {
  const mine = ++requested;
  const offset = next ? shown.offset : 0;
  const answer = await ask(source.path, { ...parametersOf(source), limit: PAGE_SIZE, offset }, source.body);
  // Something else was asked for meanwhile, or the same once more.
  if (mine !== requested) return;
  if (!next) {
    byId("cards").replaceChildren();
    byId("subject").replaceChildren(...(answer.anime ? [card(answer.anime)] : []));
  }
  byId("cards").append(...answer.data.map(card));
  shown = { source, offset: offset + answer.data.length };
  byId("more").hidden = shown.offset >= answer.pagination.total;
  report(headline(answer, source), false, ...aboutList(answer, source));
  // On a phone, what was asked for lies below what asks.
  if (!next && source !== titles && status.getBoundingClientRect().top > 0.7 * innerHeight) {
    status.scrollIntoView({ behavior: "smooth" });
  }
}

function headline(answer, source) {
  const total = number(answer.pagination.total);
  if (answer.anime) return `Similar to ${answer.anime.name}, out of ${total}`;
  if (source.list) {
    const { n_seen: seen, n_entries: entries } = answer.list_summary;
    return answer.no_evidence ? `Well liked by many, out of ${total}` : `For ${source.list.label}, going by ${number(seen)} of ${number(entries)} entries, out of ${total}`;
  }
  if (answer.user_id !== undefined) return `For user ${answer.user_id}, by ${answer.method}, out of ${total}`;
  return `The most popular of ${total}`;
}

/** What an answer says of itself, and which titles of a list the model does not know. */
function aboutList(answer, source) {
  const notes = answer.notes?.length ? [element("span", { className: "note" }, answer.notes.join(" "))] : [];
  const unknown = answer.unknown_anime_ids ?? [];
  if (!unknown.length) return notes;
  const names = unknown.map((id) => source.list?.names[id] || `anime ${id}`);
  const details = element("details", {}, element("summary", {}, "Which are unknown"), element("span", {}, names.join(" · ")));
  return [...notes, details];
}

/** Give a part of an address as it was before it was encoded; as it stands where somebody wrote a plain "%". */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address says what is shown, so that the back button and links work. */
function follow() {
  const [kind, encoded = ""] = location.hash.slice(1).split("/");
  const id = decoded(encoded);
  byId("review").hidden = true;
  if (kind === "anime" && id) attempt(() => show(similarTo(id)));
  else if (kind === "user" && id) {
    byId("user").value = id;
    attempt(() => show(forUser(id)));
  } else if (kind === "list" && myList) attempt(() => show(forList(myList)));
  else attempt(() => show(titles));
}

/** Go somewhere, again if it is where we are. */
function go(target) {
  if (location.hash === `#${target}`) follow();
  else location.hash = target;
}

suggestTitles(byId("title"), byId("suggestions"), byId("title-form"), {
  choose: (id) => go(`anime/${id}`), attempt, report,
});
bringList({ form: byId("list-form"), file: byId("list-file"), text: byId("list-text"), review: byId("review") }, {
  use: (list) => { myList = list; go("list"); }, attempt, report,
});
byId("user-form").addEventListener("submit", (event) => {
  event.preventDefault();
  go(`user/${encodeURIComponent(byId("user").value.trim())}`);
});
byId("more").addEventListener("click", () => attempt(() => show(shown.source, { next: true })));
[...FILTERS, "collapse_franchise"].forEach((name) => byId(name).addEventListener("change", follow));
addEventListener("hashchange", follow);

async function describeModel() {
  const model = await ask("model");
  byId("simulated").hidden = !model.data.simulated;
  for (const [name, values] of [["type", model.types], ["genre", model.genres]]) {
    byId(name).append(...values.map((value) => element("option", { value }, value)));
  }
  const sizes = model.sizes;
  byId("model").replaceChildren(
    `Model ${model.model_version}: ${number(sizes.n_anime)} anime, ${number(sizes.n_users)} users, `
      + `${number(sizes.n_list_entries)} list entries, from ${model.data.name}`
      + `${model.data.simulated ? " (simulated)" : ""}. `,
    element("a", { href: "model" }, "How good it measured"),
  );
}

attempt(describeModel);
follow();
