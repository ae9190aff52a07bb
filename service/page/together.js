// Two lists side by side: how alike they are, and what suits both.

import { ask } from "./api.js";
import { link } from "./cards.js";
import { counted, element, number } from "./dom.js";
import { listPicker } from "./list_picker.js";
import { forgetList, showList } from "./listing.js";
import * as mine from "./mine.js";
import { address, go, staying } from "./state.js";
import { heading } from "./views.js";

const NAMES = ["you", "them"];

export async function together({ lists: given }) {
  const lists = [given[0] ?? mine.myList(), given[1]];
  forgetList();
  const sides = element("div", { className: "sides" }, ...lists.map((list, place) => side(list, place, lists)));
  const said = element("section", { className: "compared", ariaLabel: "How alike they are" });
  heading("Watch together", sides, said);
  if (!lists[0] || !lists[1]) {
    said.append(element("p", { className: "hint" }, "With two lists you see what both love, where you differ, and what to watch together."));
    return;
  }
  if (!given[0]) history.replaceState(null, "", address("together", "", location.search.slice(1), lists));
  const body = { lists: lists.map(({ entries }, place) => ({ name: NAMES[place], ratings: entries })) };
  const isStillHere = staying();
  const compared = await ask("users/compare", [], body);
  if (!isStillHere()) return;
  said.replaceChildren(...compatibility(compared));
  await showList({
    kind: "group",
    path: "recommendations/group",
    body: () => body,
    names: NAMES,
    said: (answer) => [`For both of you, out of ${number(answer.pagination.total)}`],
  });
}

function side(list, place, lists) {
  const words = place ? "Their list" : "Your list";
  const use = (brought, titles) => {
    if (!place) mine.takeList(brought, titles);
    go(address("together", "", location.search.slice(1), place ? [lists[0], brought] : [brought, lists[1]]));
  };
  if (!list) return listPicker(words, use);
  const another = element("details", {}, element("summary", {}, "Bring another"));
  another.append(listPicker(words, use));
  return element("section", { className: "panel", ariaLabel: words },
    element("h2", {}, words), element("p", {}, `${list.name || "A list"}: ${counted(list.entries.length, "entry", "entries")}`), another);
}

function compatibility(compared) {
  const score = compared.score === null ? null : Math.round(100 * compared.score);
  const meter = element("p", { className: "score" }, score === null ? "One of the lists says too little to compare" : `You fit better than ${score} of 100 pairs`,
    element("small", {}, `${counted(compared.n_in_common, "anime", "anime")} seen by both`));
  const column = (title, rows, none) => element("div", { className: "panel" }, element("h2", {}, title),
    rows.length ? element("ul", { className: "rated" }, ...rows.slice(0, 8).map(rated)) : element("p", { className: "hint" }, none));
  return [meter, element("div", { className: "sides" },
    column("You both love", compared.shared, "Nothing that both rate highly."),
    column("Where you differ", compared.disagreements, "Nothing that you rate differently."))];
}

function rated(row) {
  const said = row.ratings.map((rating, place) => element("span", { title: NAMES[place] }, rating ? `★ ${rating}` : "–"));
  return element("li", {}, link(row), element("span", { className: "ratings" }, ...said));
}
