// A list of cards: its first page, the next ones, and what the visitor says of a card.

import { ask } from "./api.js";
import { card } from "./cards.js";
import { attempt, button, byId, report } from "./dom.js";
import { parametersFor } from "./filters.js";
import * as mine from "./mine.js";
import { here } from "./state.js";

const PAGE_SIZE = 12;
let shown = null;
let requested = 0;
let refresh = () => (shown ? showList(shown.source) : undefined);

/**
 * Show the first page of a list.
 *
 * `source.kind` says which filters it takes, `source.path` and `source.body()` what is asked, `source.said(answer)` what
 * stands above the cards, as [words, elements].
 */
export async function showList(source, { more = false } = {}) {
  const mineAlone = ++requested;
  const parameters = parametersFor(source.kind, here().query);
  mine.hiddenIds().forEach((id) => parameters.push(["exclude", id]));
  parameters.push(["limit", PAGE_SIZE]);
  if (more) parameters.push(["cursor", shown.next]);
  let answer;
  try {
    answer = await ask(source.path, parameters, source.body?.());
  } catch (error) {
    // Another model answers now: its list is another.
    if (error.code !== "stale_cursor") throw error;
    await showList(source);
    return;
  }
  // Something else was asked for meanwhile, or the same once more.
  if (mineAlone !== requested) return;
  const options = { method: answer.method, act, names: source.names };
  const cards = answer.data.map((anime) => card(anime, options));
  if (more) byId("cards").append(...cards);
  else byId("cards").replaceChildren(...cards);
  shown = { source, next: answer.pagination.next_cursor };
  byId("more").hidden = !shown.next;
  if (more) cards[0]?.querySelector("h2 a").focus({ preventScroll: true });
  else {
    const [words, elements = []] = source.said(answer);
    report(answer.data.length ? words : "Nothing passes these filters.", { more: elements });
  }
}

export function forgetList() {
  requested += 1;
  shown = null;
  byId("cards").replaceChildren();
  byId("more").hidden = true;
}

export const showMore = () => attempt(() => showList(shown.source, { more: true }));

/** Say how what is shown is brought up to date after the visitor has said something of an anime. */
export function refreshBy(how) {
  const cardsAlone = refresh;
  refresh = () => how(cardsAlone);
}

/** Let the visitor say something of an anime; what is shown is ranked anew at once. */
export async function act(what, anime, rating) {
  const { anime_id: id, name } = anime;
  const before = mine.entryOf(id);
  let undo;
  if (what === "hide") {
    mine.hide(id, name);
    undo = () => mine.showAgain(id);
  } else {
    if (rating === "off") mine.takeOffList(id);
    else mine.putOnList({ anime_id: id, status: "completed", ...before, ...(rating ? { rating: Number(rating) } : {}) }, name);
    undo = () => (before ? mine.putOnList(before, name) : mine.takeOffList(id));
  }
  const place = [...byId("cards").children].findIndex((one) => one.contains(document.activeElement));
  await attempt(refresh);
  // What was clicked is gone; whoever uses keys goes on from what took its place.
  if (place >= 0) byId("cards").children[place]?.querySelector("h2 a").focus({ preventScroll: true });
  const words = { hide: `${name} will not be shown again. `, seen: `${name} is on your list now. ` }[what] ?? `Your list says so of ${name} now. `;
  const takeBack = button("Undo", () => {
    undo();
    byId("toast").hidden = true;
    attempt(refresh);
  }, { className: "quiet" });
  byId("toast").replaceChildren(words, takeBack);
  byId("toast").hidden = false;
}
