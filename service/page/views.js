// What stands above the cards of each view, and which list the cards are.

import { ask } from "./api.js";
import { actions, elsewhere, facts, genres, otherNames } from "./cards.js";
import { attempt, button, byId, counted, element, number, report } from "./dom.js";
import { listPicker, unmatched } from "./list_picker.js";
import { act, forgetList, showList } from "./listing.js";
import * as mine from "./mine.js";
import { poster } from "./posters.js";
import { address, go, packed, staying } from "./state.js";

let imported = null;
// The visitor's own list as the address had it last: it is theirs after they have changed it, too.
let ownInAddress = "";

export function heading(words, ...lead) {
  byId("heading").replaceChildren(...[words].flat());
  document.title = byId("heading").textContent === "What to watch next" ? "Osusume: what to watch next" : `${byId("heading").textContent} · Osusume`;
  byId("lead").replaceChildren(...lead);
}

/** The beginning: what is popular, and the ways in. */
export async function home({ query }) {
  heading("What to watch next", element("p", { className: "hint" }, "Search for an anime you like, or bring your list: no account is needed, and nothing is kept by the service."), ways());
  const said = (answer) => [[...query].length ? `${number(answer.pagination.total)} anime pass, the most popular first` : `The most popular of ${number(answer.pagination.total)} anime`];
  await showList({ kind: "titles", path: "anime", said });
}

function ways() {
  const way = (view, title, words) => element("a", { className: "way", href: address(view), dataset: { inside: "" } }, element("b", {}, title), element("span", {}, words));
  const list = mine.myList();
  const user = element("input", { required: true, maxLength: 200, placeholder: "user id", ariaLabel: "User id of the training data", id: "user" });
  const form = element("form", { className: "way", id: "user-form" }, element("b", {}, "A known user"), element("span", { className: "row" }, user, element("button", {}, "Show")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(address("u", user.value.trim()));
  });
  return element(
    "div",
    { className: "ways" },
    list ? way("list", "Go on with your list", `${counted(list.entries.length, "entry", "entries")}, ${list.name}`)
      : way("list", "Bring your list", "From MyAnimeList, AniList, Kitsu and others, or typed"),
    way("together", "Watch together", "Two lists: how alike they are, and what suits both"),
    way("map", "Look at the map", "All anime, neighbours side by side"),
    form,
  );
}

/** One anime, and what is like it. */
export async function anime({ id, query }) {
  const isLeast = query.get("order") === "least";
  forgetList();
  const isStillHere = staying();
  const { data } = await ask(`anime/${encodeURIComponent(id)}`);
  if (!isStillHere()) return;
  heading(data.name, subject(data, query, isLeast));
  const path = `anime/${data.anime_id}/similar`;
  const said = (answer) => [`${isLeast ? "Least" : "Most"} similar of ${number(answer.pagination.total)}`];
  await showList({ kind: "similar", path, said });
}

/** A synopsis of which only the first lines are shown until the visitor reads on. */
function story(text) {
  const words = element("p", { className: "long" }, text);
  if (text.length < 400) return [words];
  words.classList.add("short");
  const more = button("Read on", () => {
    words.classList.remove("short");
    more.remove();
  }, { className: "quiet" });
  return [words, more];
}

function subject(data, query, isLeast) {
  const tab = (words, order) => {
    const asked = new URLSearchParams(query);
    if (order) asked.set("order", order);
    else asked.delete("order");
    const isShown = Boolean(order) === isLeast;
    return element("a", { href: address("a", data.anime_id, asked), dataset: { inside: "" }, ...(isShown ? { ariaCurrent: "true" } : {}) }, words);
  };
  const said = element("div", { className: "about" });
  const fill = () => said.replaceChildren(...[
    otherNames(data),
    element("p", { className: "facts" }, facts(data)),
    data.new ? element("p", { className: "place" }, "New: too few lists held it when the model was trained, so it is placed by what it is about.") : null,
    ...story(data.synopsis ?? "No synopsis."),
    genres(data),
    element("footer", {}, actions(data, act), element("a", { href: address("map", data.anime_id), dataset: { inside: "" } }, "On the map"), elsewhere(data)),
  ].filter(Boolean));
  fill();
  said.addEventListener("refill", fill);
  return element("div", {}, element("section", { className: "subject", ariaLabel: "About it" }, poster(data), said),
    element("nav", { className: "tabs", ariaLabel: "Order" }, tab("Most similar", ""), tab("Least similar", "least")));
}

/** A user of the training data. */
export async function user({ id }) {
  heading(`For user ${id}`);
  const path = `users/${encodeURIComponent(id)}/recommendations`;
  await showList({ kind: "recommendations", path, said: (answer) => [`Out of ${number(answer.pagination.total)}`, notes(answer)] });
}

/** The list of the address; the visitor's own where it has none. */
export async function list({ lists: [given] }) {
  const own = mine.myList();
  if (!given && !own) {
    forgetList();
    report("");
    heading("Your list", element("p", { className: "hint" }, "Bring a list and see what to watch next, and why. Or search for anime and say which you have seen. It stays in this browser: the service reads it to answer, and keeps nothing."),
      listPicker("Bring your list", (brought, titles, found) => useAsMine(brought, titles, found)));
    return;
  }
  const isOwn = own && (!given || [packed(own.entries), ownInAddress].includes(packed(given.entries)));
  const used = isOwn ? own : given;
  // The address holds the list: it can be kept and shared.
  ownInAddress = isOwn ? packed(own.entries) : "";
  if (isOwn) history.replaceState(null, "", address("list", "", location.search.slice(1), [own]));
  heading(isOwn ? "For you" : "For a shared list", aboutList(used, isOwn));
  const source = {
    kind: "recommendations", path: "recommendations", body: () => ({ ratings: used.entries }), said: saidOfList,
  };
  await showList(source);
}

function useAsMine(brought, titles, found) {
  mine.takeList(brought, titles);
  imported = found;
  go(address("list", "", location.search.slice(1), [brought]));
}

function aboutList(used, isOwn) {
  const picker = element("details", {}, element("summary", {}, "Bring another list"));
  picker.append(listPicker("Bring another list", useAsMine));
  const copy = button("Copy a link to this", () => attempt(async () => {
    // Browsers have no clipboard where the page came unencrypted.
    if (!navigator.clipboard) throw new Error("Copy it from the address bar: all of this is in it.");
    await navigator.clipboard.writeText(location.href);
    copy.textContent = "Copied";
  }), { className: "quiet" });
  const forget = button("Forget it", () => { mine.forgetList(); go(address("list")); }, { className: "quiet" });
  const adopt = button("Make it mine", () => useAsMine(used, {}, null), { className: "quiet" });
  const compare = element("a", { href: address("together", "", "", [used]), dataset: { inside: "" } }, "Compare with a friend's");
  const shown = element("div", { className: "row" }, element("span", {}, `${used.name || "A list"}: ${counted(used.entries.length, "entry", "entries")}`), copy, compare, isOwn ? forget : adopt);
  return element("div", {}, shown, picker, ...(imported && isOwn ? unmatched(imported) : []), hiddenOnes());
}

function hiddenOnes() {
  const ids = mine.hiddenIds();
  if (!ids.length) return "";
  const again = (id) => element("li", {}, button(`${mine.titleOf(id)} ✕`, () => {
    mine.showAgain(id);
    dispatchEvent(new Event("navigate-here"));
  }, { className: "chip", ariaLabel: `Show ${mine.titleOf(id)} again` }));
  return element("details", {}, element("summary", {}, `${counted(ids.length, "title")} not interesting to you`), element("ul", { className: "chips" }, ...ids.map(again)));
}

function saidOfList(answer) {
  const { n_seen: seen, n_entries: entries } = answer.list_summary;
  const total = number(answer.pagination.total);
  const words = answer.no_evidence ? `Well liked by many, out of ${total}` : `Going by ${number(seen)} of ${counted(entries, "entry", "entries")}, out of ${total}`;
  return [words, notes(answer)];
}

/** What an answer says of itself, and which titles of a list the model does not know. */
function notes(answer) {
  const said = answer.notes?.length ? [element("span", { className: "note" }, answer.notes.join(" "))] : [];
  const unknown = answer.unknown_anime_ids ?? [];
  if (!unknown.length) return said;
  return [...said, element("details", {}, element("summary", {}, "Which are unknown"), element("span", {}, unknown.map(mine.titleOf).join(" · ")))];
}
