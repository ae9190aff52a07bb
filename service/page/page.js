// The page at /: finds a title, shows what is similar; takes a user id, shows what to watch next and why.

const element = (id) => document.getElementById(id);
const title = element("title");
const suggestions = element("suggestions");
const FIRST_SHOWN = 1; // Cowboy Bebop
let typed = 0; // the newest question wins, however late an older answer comes

async function ask(path) {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error([body.detail, body.hint].filter(Boolean).join("; "));
  return body;
}

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const isKnown = (value) => value !== null && value !== undefined;

function facts(card) {
  const episodes = isKnown(card.episodes) ? `${card.episodes} episode${card.episodes === 1 ? "" : "s"}` : null;
  // In recommendations `score` is how well a title fits the user.
  const mean = "mean_score" in card ? card.mean_score : card.score;
  const score = isKnown(mean) ? `★ ${mean.toFixed(2)}` : null;
  return [card.type, card.year, episodes, score].filter(isKnown).join(" · ");
}

function otherNames(card) {
  const names = [card.english_name, card.japanese_name].filter((name) => name && name !== card.name);
  return [...new Set(names)].join(" · ");
}

function showCard(card, value, label) {
  const item = make("li", "card");
  const heading = make("h2");
  const similar = make("a", "", card.name);
  similar.href = `#anime=${card.anime_id}`;
  similar.title = "What is similar to it?";
  heading.append(`${card.rank}. `, similar);
  item.append(heading);
  if (otherNames(card)) item.append(make("p", "names", otherNames(card)));
  item.append(make("p", "facts", facts(card)));
  const genres = make("ul", "genres");
  genres.append(...card.genres.map((genre) => make("li", "", genre)));
  item.append(genres);
  if (card.synopsis) item.append(make("p", "synopsis", card.synopsis));
  if (card.because?.length) {
    item.append(make("p", "because", `Because of ${card.because.slice(0, 3).map((reason) => reason.name).join(", ")}`));
  }
  const meter = make("div", "meter");
  const fill = make("span");
  fill.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
  meter.append(fill);
  const line = make("div", "line");
  const link = make("a", "", "MyAnimeList");
  link.href = card.url;
  line.append(make("span", "", `${label} ${value.toFixed(3)}`), link);
  const foot = make("div", "foot");
  foot.append(meter, line);
  item.append(foot);
  return item;
}

function show(heading, items, message) {
  element("heading").textContent = heading;
  element("message").textContent = message ?? "";
  element("message").hidden = !message;
  element("answers").replaceChildren(...items);
}

async function showing(heading, load) {
  closeSuggestions();
  try {
    await load();
  } catch (error) {
    show(heading, [], error.message);
  }
}

function showSimilar(animeId) {
  return showing("", async () => {
    const answer = await ask(`anime/${animeId}/similar?limit=12`);
    title.value = answer.anime.name;
    show(`Similar to ${answer.anime.name}`, answer.data.map((card) => showCard(card, card.similarity, "similarity")));
    window.scrollTo({ top: 0, behavior: "smooth" });
  });
}

function showRecommendations(userId) {
  element("user").value = userId;
  return showing("", async () => {
    const answer = await ask(`users/${userId}/recommendations?limit=12`);
    const message = answer.data.length ? null : "Nothing left to recommend.";
    show(`What user ${userId} might watch next`, answer.data.map((card) => showCard(card, card.score, "score")), message);
  });
}

function closeSuggestions() {
  typed += 1;
  suggestions.hidden = true;
  title.setAttribute("aria-expanded", "false");
  title.removeAttribute("aria-activedescendant");
}

async function suggest() {
  const query = title.value.trim();
  const mine = ++typed;
  if (!query) return closeSuggestions();
  try {
    const answer = await ask(`anime?limit=8&query=${encodeURIComponent(query)}`);
    if (mine !== typed) return undefined;
    suggestions.replaceChildren(...answer.data.map(makeSuggestion));
    suggestions.hidden = !answer.data.length;
    title.setAttribute("aria-expanded", String(!suggestions.hidden));
  } catch (error) {
    if (mine === typed) show("", [], error.message);
  }
  return undefined;
}

function makeSuggestion(card, index) {
  const option = make("li");
  option.id = `suggestion-${index}`;
  option.setAttribute("role", "option");
  option.dataset.animeId = card.anime_id;
  option.append(make("span", "", card.name), make("small", "", [card.type, card.year].filter(isKnown).join(" · ")));
  option.addEventListener("mousedown", (event) => {
    event.preventDefault();
    goTo(`#anime=${card.anime_id}`);
  });
  return option;
}

function moveSelection(step) {
  const options = [...suggestions.children];
  if (suggestions.hidden || !options.length) return;
  const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const next = (now + step + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === next)));
  title.setAttribute("aria-activedescendant", options[next].id);
}

async function choose() {
  if (suggestions.hidden) await suggest();
  const chosen = suggestions.querySelector('[aria-selected="true"]') ?? suggestions.firstElementChild;
  if (chosen && !suggestions.hidden) goTo(`#anime=${chosen.dataset.animeId}`);
  else if (title.value.trim()) show("", [], `The model knows no title like “${title.value.trim()}”.`);
}

let waiting;
title.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(suggest, 120);
});
title.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    moveSelection(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape") closeSuggestions();
});
title.addEventListener("blur", closeSuggestions);
element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  choose();
});
element("ask-user").addEventListener("submit", (event) => {
  event.preventDefault();
  if (element("user").value !== "") goTo(`#user=${Number(element("user").value)}`);
});

// What is shown stands in the address, so that back, forward and sharing a link work.
function goTo(hash) {
  if (location.hash === hash) showAddressed();
  else location.hash = hash;
}

function showAddressed() {
  const [, kind, id] = location.hash.match(/^#(anime|user)=(\d+)$/) ?? [];
  return kind === "user" ? showRecommendations(Number(id)) : showSimilar(kind ? Number(id) : FIRST_SHOWN);
}

async function describeModel() {
  const model = await ask("model");
  element("simulated").hidden = !model.data.simulated;
  element("model").textContent = `${model.data.name}, model ${model.model_version}`;
}

window.addEventListener("hashchange", showAddressed);
showAddressed();
describeModel();
