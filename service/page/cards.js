// An anime as a card, with what an answer says about it in words.

import { button, counted, element, listed } from "./dom.js";
import { entryOf } from "./mine.js";
import { poster } from "./posters.js";
import { address } from "./state.js";

export function link(anime, words = anime.name) {
  return element("a", { href: address("a", anime.anime_id), dataset: { inside: "" } }, words);
}

export function facts(anime) {
  const meanScore = "mean_score" in anime ? anime.mean_score : anime.score;
  return [anime.year, anime.type, anime.episodes && counted(anime.episodes, "episode"), meanScore && `★ ${meanScore.toFixed(2)}`]
    .filter(Boolean)
    .join(" · ");
}

export function otherNames(anime) {
  const names = [anime.english_name, anime.japanese_name].filter((name) => name && name !== anime.name);
  return names.length ? element("p", { className: "other" }, names.join(" · ")) : null;
}

/** How sure an answer is of an anime, as a share that means something: its words and a number from 0 to 1. */
function measured(anime, method) {
  if (anime.relevance !== undefined) return null;
  if (anime.seen_by) return [`${share(anime.seen_by)} with your taste have seen it`, anime.seen_by];
  if (anime.similarity !== undefined) {
    if (method !== "ranked") return null;
    return [`${percent(anime.similarity)} likely that fans recommend it`, anime.similarity];
  }
  if (anime.n_supporters) return [`${anime.n_supporters} of the 50 people nearest to you rate it highly`, anime.n_supporters / 50];
  return null;
}

const percent = (value) => (value >= 0.01 ? `${Math.round(100 * value)} %` : "Fewer than 1 %");

/** Say a share as people do: "1 in 3", "2 in 3", "4 in 5". */
export function share(value) {
  if (value < 0.01) return "Fewer than 1 in 100";
  if (value < 0.4) return `1 in ${Math.round(1 / value)}`;
  const [count, of] = [[1, 2], [2, 3], [3, 4], [4, 5], [9, 10]]
    .reduce((best, one) => (Math.abs(one[0] / one[1] - value) < Math.abs(best[0] / best[1] - value) ? one : best));
  return `${count} in ${of}`;
}

function strength(anime, method) {
  const measure = measured(anime, method);
  if (!measure) return null;
  const [words, value] = measure;
  const filled = element("span");
  filled.style.width = `${Math.max(2, Math.min(100, value * 100))}%`;
  return element("div", { className: "strength" }, element("div", { className: "bar" }, filled), element("p", {}, words));
}

/** What an anime is to its franchise: the next season, a side story, where to begin. */
function placeInFranchise(anime) {
  const place = anime.franchise;
  if (!place) {
    const other = anime.similarity_of !== undefined && anime.similarity_of !== anime.anime_id;
    return other ? element("p", { className: "place" }, "Where to begin; a later entry is what is so similar.") : null;
  }
  const [before] = place.next_after;
  if (before) {
    const kind = { main: "Next after ", side: "A side story, after ", extra: "An extra, after " }[place.role];
    return element("p", { className: "place" }, kind, element("b", {}, before.name));
  }
  if (!place.score_of) return null;
  return element("p", { className: "place" }, "Where to begin: ", element("b", {}, place.score_of.name), " fits you best of it");
}

function because(anime) {
  if (!anime.because) return null;
  const words = element("p", { className: "because" });
  if (anime.because.length) words.append("Because of ", ...listed(anime.because.slice(0, 3).map((reason) => link(reason))), ". ");
  // "Next after" stands on the card already.
  const notes = anime.notes.filter((note) => !note.startsWith("comes after"));
  if (notes.length) {
    const said = notes.join("; ");
    words.append(element("span", { className: "notes" }, `${said[0].toUpperCase()}${said.slice(1)}.`));
  }
  return words.textContent ? words : null;
}

export function synopsis(anime) {
  if (!anime.synopsis) return null;
  return element("details", { className: "synopsis" }, element("summary", {}, "Synopsis"), element("p", {}, anime.synopsis));
}

export function genres(anime, most = 12) {
  const chips = anime.genres.slice(0, most).map((genre) => {
    const query = new URLSearchParams({ genre });
    return element("li", {}, element("a", { href: address("", "", query), dataset: { inside: "" } }, genre));
  });
  return element("ul", { className: "genres", ariaLabel: "Genres" }, ...chips);
}

/** Where else to read about an anime. */
export function elsewhere(anime) {
  const search = `https://anilist.co/search/anime?${new URLSearchParams({ search: anime.name })}`;
  const out = (href, words) => element("a", { href, rel: "noreferrer noopener", target: "_blank" }, words);
  return element("span", { className: "elsewhere" }, out(anime.url, "MyAnimeList"), " ", out(search, "AniList"));
}

/** Make a card; `act` gets "hide", "seen" or "rated" with the anime when the visitor says so. */
export function card(anime, { method, act, names = [] } = {}) {
  const title = element("h2", {}, link(anime));
  if (anime.rank !== undefined && anime.relevance === undefined) title.prepend(element("span", { className: "rank" }, String(anime.rank)));
  if (anime.new) title.append(" ", element("span", { className: "badge", title: "Too few lists held it when the model was trained" }, "new"));
  const made = element(
    "article",
    { dataset: { animeId: anime.anime_id } },
    element("div", { className: "beside" },
      element("a", { href: address("a", anime.anime_id), tabIndex: -1, ariaHidden: "true", dataset: { inside: "" } }, poster(anime)),
      elsewhere(anime)),
    element(
      "div",
      { className: "about" },
      title,
      element("p", { className: "facts" }, facts(anime)),
      placeInFranchise(anime),
      strength(anime, method),
      perList(anime, names),
      because(anime),
      synopsis(anime),
      genres(anime, 4),
      element("footer", {}, actions(anime, act)),
    ),
  );
  return made;
}

/** What each list of a group says of an anime. */
function perList(anime, names) {
  if (!anime.lists) return null;
  return element("ul", { className: "for-each" }, ...anime.lists.map(({ rank, because: reasons }, place) => {
    const why = reasons.length ? [": because of ", ...listed(reasons.slice(0, 2).map((reason) => link(reason)))] : [];
    return element("li", {}, element("b", {}, `No. ${rank} for ${names[place]}`), ...why);
  }));
}

export function actions(anime, act) {
  const entry = entryOf(anime.anime_id);
  const made = element("span", { className: "actions" });
  if (entry) made.append(rating(anime, entry, act));
  else {
    const said = (words, what, label) => button(words, () => act(what, anime), { className: "quiet", ariaLabel: `${label}: ${anime.name}` });
    made.append(said("Seen it", "seen", "Seen it"), said("Not interested", "hide", "Not interested"));
  }
  return made;
}

/** A rating to choose for what is on the visitor's list. */
export function rating(anime, entry, act) {
  const choice = element("select", { className: "quiet", ariaLabel: `Your rating of ${anime.name}` });
  choice.append(
    element("option", { value: "" }, "seen, not rated"),
    ...Array.from({ length: 10 }, (_, place) => element("option", { value: 10 - place }, `seen, ★ ${10 - place}`)),
    element("option", { value: "off" }, "not on my list"),
  );
  choice.value = entry.rating ?? "";
  choice.addEventListener("change", () => act("rated", anime, choice.value));
  return choice;
}
