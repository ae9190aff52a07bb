// The page of the service: asks its own API, and nothing else.

const PAGE_SIZE = 12;
const FILTERS = ["type", "genre", "year_from", "min_score", "max_members"];

const byId = (id) => document.getElementById(id);
const status = byId("status");

// What is shown: the route that lists it, and how many rows are there already.
let shown = { path: null, offset: 0 };
let requested = 0;

/** Make an element. Text is always text: titles and synopses never become markup. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Ask the API; fail with what its problem says. */
async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  const answer = await fetch(`${path}?${query}`);
  const body = await answer.json();
  if (!answer.ok) {
    const faults = (body.errors ?? []).map((fault) => `${fault.parameter}: ${fault.expected}`);
    throw new Error([body.detail, ...faults, body.hint].filter(Boolean).join(". "));
  }
  return body;
}

function report(text, failed = false) {
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

/** Run something that asks, and say what went wrong where the user looks. */
async function attempt(task) {
  try {
    await task();
  } catch (error) {
    report(error.message, true);
  }
}

function facts(anime) {
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

function strength(anime) {
  const value = anime.similarity ?? (anime.because ? anime.score : undefined);
  if (value === undefined) return null;
  const bar = element("div", { className: "bar", title: `${anime.because ? "score" : "similarity"} ${value.toFixed(3)}` });
  const filled = element("span");
  filled.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
  bar.append(filled);
  return bar;
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
    words.append(`${many} it highly.`);
  }
  return words;
}

function card(anime) {
  const title = element("a", { href: `#anime/${anime.anime_id}` }, anime.name);
  const place = anime.rank === undefined ? "" : `${anime.rank}. `;
  const synopsis = element("p", { className: "synopsis", title: "Click to read on" }, anime.synopsis ?? "No synopsis.");
  synopsis.addEventListener("click", () => synopsis.classList.toggle("whole"));
  const measured = anime.similarity ?? (anime.because ? anime.score : undefined);
  return element(
    "article",
    {},
    element("h2", {}, place, title),
    otherNames(anime),
    element("p", { className: "facts" }, facts(anime)),
    strength(anime),
    because(anime),
    element("ul", { className: "genres" }, ...anime.genres.map((genre) => element("li", {}, genre))),
    synopsis,
    element(
      "footer",
      {},
      element("span", { className: "facts" }, measured === undefined ? "" : `${anime.because ? "score" : "similarity"} ${measured.toFixed(3)}`),
      element("a", { href: anime.url, rel: "noreferrer" }, "MyAnimeList"),
    ),
  );
}

function filters() {
  return Object.fromEntries(FILTERS.map((name) => [name, byId(name).value]));
}

/** Show the first page of a list, or the next one of the same. */
async function show(path, { next = false } = {}) {
  const number = ++requested;
  const offset = next ? shown.offset : 0;
  const answer = await ask(path, { ...filters(), limit: PAGE_SIZE, offset });
  // Something else was asked for meanwhile, or the same once more.
  if (number !== requested) return;
  if (!next) {
    byId("cards").replaceChildren();
    byId("subject").replaceChildren(...(answer.anime ? [card(answer.anime)] : []));
  }
  byId("cards").append(...answer.data.map(card));
  shown = { path, offset: offset + answer.data.length };
  byId("more").hidden = shown.offset >= answer.pagination.total;
  report(headline(answer));
}

function headline(answer) {
  const total = answer.pagination.total.toLocaleString("en");
  if (answer.anime) return `Similar to ${answer.anime.name}, out of ${total}`;
  if (answer.user_id !== undefined) return `For user ${answer.user_id}, by ${answer.method}, out of ${total}`;
  return `The most popular of ${total}`;
}

/** The address says what is shown, so that the back button and links work. */
function follow() {
  const [kind, id] = location.hash.slice(1).split("/");
  if (!id) attempt(() => show("anime"));
  else if (kind === "anime") attempt(() => show(`anime/${encodeURIComponent(id)}/similar`));
  else if (kind === "user") {
    byId("user").value = id;
    attempt(() => show(`users/${encodeURIComponent(id)}/recommendations`));
  } else attempt(() => show("anime"));
}

// Suggestions while typing.
const input = byId("title");
const list = byId("suggestions");
let asked = 0;
let timer;

function closeSuggestions() {
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function choose(item) {
  closeSuggestions();
  input.value = item.dataset.name;
  location.hash = `anime/${item.dataset.id}`;
}

function suggestion(anime, place) {
  const details = [anime.english_name !== anime.name ? anime.english_name : null, anime.year, anime.type];
  const item = element(
    "li",
    { role: "option", id: `suggestion-${place}` },
    anime.name,
    " ",
    element("small", {}, details.filter(Boolean).join(" · ")),
  );
  item.dataset.id = anime.anime_id;
  item.dataset.name = anime.name;
  // Before the input loses its focus.
  item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
  return item;
}

async function suggest() {
  const number = ++asked;
  const query = input.value.trim();
  if (!query) return closeSuggestions();
  const answer = await ask("anime", { query: query.slice(0, 200), limit: 8 });
  // A later question may have been answered already.
  if (number !== asked) return;
  list.replaceChildren(...answer.data.map(suggestion));
  list.hidden = !answer.data.length;
  input.setAttribute("aria-expanded", String(!list.hidden));
  if (!answer.data.length) report(`No title is like “${query}”.`);
}

function move(step) {
  const items = [...list.children];
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const chosen = items[(at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length];
  items.forEach((item) => item.setAttribute("aria-selected", String(item === chosen)));
  input.setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => attempt(suggest), 120);
});
input.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") closeSuggestions();
});
input.addEventListener("blur", closeSuggestions);

byId("title-form").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  attempt(async () => {
    const picked = list.querySelector('[aria-selected="true"]');
    if (!picked) await suggest();
    const item = picked ?? list.firstElementChild;
    if (item && !list.hidden) choose(item);
  });
});
byId("user-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const target = `user/${encodeURIComponent(byId("user").value.trim())}`;
  if (location.hash === `#${target}`) follow();
  else location.hash = target;
});
byId("more").addEventListener("click", () => attempt(() => show(shown.path, { next: true })));
FILTERS.forEach((name) => byId(name).addEventListener("change", follow));
addEventListener("hashchange", follow);

async function describeModel() {
  const model = await ask("model");
  byId("simulated").hidden = !model.data.simulated;
  for (const [name, values] of [["type", model.types], ["genre", model.genres]]) {
    byId(name).append(...values.map((value) => element("option", { value }, value)));
  }
  const sizes = model.sizes;
  const number = (value) => value.toLocaleString("en");
  byId("model").replaceChildren(
    `Model ${model.model_version}: ${number(sizes.n_anime)} anime, ${number(sizes.n_users)} users, `
      + `${number(sizes.n_list_entries)} list entries, from ${model.data.name}`
      + `${model.data.simulated ? " (simulated)" : ""}. `,
    element("a", { href: "model" }, "How good it measured"),
  );
}

attempt(describeModel);
follow();
