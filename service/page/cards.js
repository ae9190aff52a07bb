// An anime as a card, with what an answer says about it in words.

/** Make an element. Text is always text: titles and synopses never become markup. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function facts(anime) {
  const episodes = anime.episodes === null ? null : `${anime.episodes} ${anime.episodes === 1 ? "episode" : "episodes"}`;
  const meanScore = "mean_score" in anime ? anime.mean_score : anime.score;
  return [anime.year, anime.type, episodes, meanScore === null ? null : `★ ${meanScore.toFixed(2)}`]
    .filter((fact) => fact !== null)
    .join(" · ");
}

function otherNames(anime) {
  const names = [anime.english_name, anime.japanese_name].filter((name) => name && name !== anime.name);
  return names.length ? element("p", { className: "other" }, names.join(" · ")) : null;
}

/** What an answer measures of an anime: its name and value. */
function measured(anime) {
  if (anime.similarity !== undefined) return ["similarity", anime.similarity];
  return anime.because ? ["score", anime.score] : null;
}

function strength(anime) {
  const measure = measured(anime);
  if (!measure) return null;
  const [name, value] = measure;
  const filled = element("span");
  filled.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
  return element("div", { className: "bar", title: `${name} ${value.toFixed(3)}` }, filled);
}

/** What an anime is to its franchise: the next season, a side story, where to begin. */
function placeInFranchise(anime) {
  const place = anime.franchise;
  if (!place) {
    const other = anime.similarity_of !== undefined && anime.similarity_of !== anime.anime_id;
    return other ? element("p", { className: "place" }, "Where to begin; a later entry is what is so similar.") : null;
  }
  const words = element("p", { className: "place" });
  const [before] = place.next_after;
  if (before) {
    const kind = { main: "Next after ", side: "A side story, after ", extra: "An extra, after " }[place.role];
    words.append(kind, element("b", {}, before.name), ".");
  } else if (place.score_of) {
    words.append("Where to begin: ", element("b", {}, place.score_of.name), " fits you best of it.");
  }
  return words.childNodes.length ? words : null;
}

function because(anime) {
  if (!anime.because) return null;
  const words = element("p", { className: "because" });
  if (anime.because.length) {
    words.append("Because of ");
    anime.because.slice(0, 3).forEach((reason, place) => {
      words.append(place ? ", " : "", element("b", {}, reason.name));
    });
    words.append(". ");
  }
  if (anime.n_supporters) {
    const many = anime.n_supporters === 1 ? "1 similar user rates" : `${anime.n_supporters} similar users rate`;
    words.append(`${many} it highly. `);
  }
  // "Next after" stands on the card already, with a link's worth of emphasis.
  const notes = anime.notes.filter((note) => !note.startsWith("comes after"));
  if (notes.length) {
    const said = notes.join("; ");
    words.append(element("span", { className: "notes" }, `${said[0].toUpperCase()}${said.slice(1)}.`));
  }
  return words.textContent.trim() ? words : null;
}

export function card(anime) {
  const title = element("a", { href: `#anime/${anime.anime_id}` }, anime.name);
  const place = anime.rank === undefined ? null : element("span", { className: "rank" }, String(anime.rank));
  const synopsis = element("p", { className: "synopsis", title: "Click to read on" }, anime.synopsis ?? "No synopsis.");
  synopsis.addEventListener("click", () => synopsis.classList.toggle("whole"));
  const measure = measured(anime);
  return element(
    "article",
    {},
    element("h2", {}, place, title),
    otherNames(anime),
    element("p", { className: "facts" }, facts(anime)),
    strength(anime),
    placeInFranchise(anime),
    because(anime),
    synopsis,
    element("ul", { className: "genres" }, ...anime.genres.map((genre) => element("li", {}, genre))),
    element(
      "footer",
      {},
      element("span", { className: "facts" }, measure ? `${measure[0]} ${measure[1].toFixed(3)}` : ""),
      element("a", { href: anime.url, rel: "noreferrer" }, "MyAnimeList"),
    ),
  );
}
