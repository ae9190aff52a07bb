// The page of the service: which view the address asks for. It asks its own API and nothing else, unless the visitor
// wants covers or a list of AniList.

import { ask } from "./api.js";
import { attempt, byId, element, number, report } from "./dom.js";
import { makeFilters, showFilters } from "./filters.js";
import { refreshBy, showMore } from "./listing.js";
import { map, showOnMap } from "./map.js";
import * as mine from "./mine.js";
import { coverAll } from "./posters.js";
import { address, follow, go, here } from "./state.js";
import { suggestTitles } from "./suggestions.js";
import { together } from "./together.js";
import { anime, home, list, user } from "./views.js";

const VIEWS = { "": home, a: anime, u: user, list, together, map };
const KINDS = { "": "titles", a: "similar", u: "recommendations", list: "recommendations", together: "group" };
let before = null;

function show() {
  const state = here();
  const view = VIEWS[state.view] ? state.view : "";
  byId("filters").parentElement.hidden = !KINDS[view] || (view === "list" && !state.lists[0] && !mine.myList());
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.pathname === location.pathname) link.ariaCurrent = "page";
    else link.removeAttribute("aria-current");
  }
  byId("toast").hidden = true;
  if (KINDS[view]) showFilters(KINDS[view], state.query);
  attempt(async () => {
    await VIEWS[view](state);
    // Who hears the page rather than sees it is told where they are.
    if (before !== null && before !== location.pathname) byId("heading").focus({ preventScroll: true });
    before = location.pathname;
  });
}

function choose(found) {
  if (document.body.dataset.view !== "map" || !showOnMap(found)) go(address("a", found.anime_id));
}

suggestTitles(byId("title"), byId("suggestions"), byId("search"), choose);
byId("more").addEventListener("click", showMore);
refreshBy(async (cardsAlone) => {
  if (document.body.dataset.view === "list") await list(here());
  else {
    document.querySelector(".subject .about")?.dispatchEvent(new Event("refill"));
    await cardsAlone();
  }
});

const covers = byId("covers");
covers.ariaPressed = String(mine.mayLoadCovers());
covers.addEventListener("click", () => {
  mine.allowCovers(!mine.mayLoadCovers());
  covers.ariaPressed = String(mine.mayLoadCovers());
  if (mine.mayLoadCovers()) coverAll();
  else show();
});

async function describeModel() {
  const model = await ask("model");
  byId("simulated").hidden = !model.data.simulated;
  makeFilters(model, (query) => {
    const { view, id } = here();
    go(address(view, id, query) + location.hash, { replace: true });
  });
  if (KINDS[document.body.dataset.view] !== undefined) showFilters(KINDS[document.body.dataset.view], here().query);
  const sizes = model.sizes;
  byId("model").replaceChildren(
    `Model ${model.model_version}: ${number(sizes.n_anime)} anime, ${number(sizes.n_users)} users, `
      + `${number(sizes.n_list_entries)} list entries, from ${model.data.name}${model.data.simulated ? " (simulated)" : ""}. `,
    element("a", { href: "model" }, "How good it measured"),
  );
}

follow(show);
describeModel().catch((error) => report(error.message, { failed: true }));
