// Posters: drawn from title and genres, or covers from Jikan where the visitor has allowed that.

import { element } from "./dom.js";
import { mayLoadCovers } from "./mine.js";

// Hues of OKLCH, in degrees.
export const HUES = {
  Action: 35, Adventure: 55, Comedy: 80, Drama: 5, Fantasy: 300, Historical: 65, Horror: 20, Kids: 100, Magic: 315,
  Mecha: 235, Military: 130, Music: 330, Mystery: 280, Psychological: 265, Romance: 355, School: 210, "Sci-Fi": 250,
  Seinen: 255, Shoujo: 345, Shounen: 30, "Slice of Life": 160, Sports: 145, Supernatural: 290, Space: 260,
};
const PATTERNS = ["waves", "rays", "scales", "dots", "steps", "moon"];
// Jikan asks for no more than this.
const PAUSE_MS = 400;
const KEPT_AS = "osusume-covers";

/** Draw the poster of an anime; it says nothing that does not stand beside it. */
export function poster(anime) {
  const drawn = element("div", { className: `poster ${PATTERNS[anime.anime_id % PATTERNS.length]}`, ariaHidden: "true" });
  const [first, second] = huesOf(anime);
  drawn.style.setProperty("--first", first);
  drawn.style.setProperty("--second", second);
  // The Japanese title without what it has of other letters.
  const japanese = (anime.japanese_name ?? "").match(/[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}々・！？]{2,}/u)?.[0];
  if (japanese) drawn.append(element("span", { className: "upright", lang: "ja" }, [...japanese].slice(0, 14).join("")));
  else drawn.append(element("span", { className: "initials" }, initials(anime.name)));
  drawn.dataset.animeId = anime.anime_id;
  if (mayLoadCovers()) seen.observe(drawn);
  return drawn;
}

/** Load covers for what is shown already. */
export function coverAll() {
  document.querySelectorAll(".poster").forEach((drawn) => seen.observe(drawn));
}

function huesOf(anime) {
  const known = anime.genres.filter((genre) => genre in HUES);
  // Genres that most anime have say least; they stand first by the alphabet only.
  const telling = known.filter((genre) => !["Action", "Comedy", "Shounen", "School"].includes(genre));
  const [first = (anime.anime_id * 47) % 360, second] = [...telling, ...known].map((genre) => HUES[genre]);
  return [first, second ?? (first + 40) % 360];
}

function initials(name) {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return words.slice(0, 3).map((word) => [...word][0].toUpperCase()).join("");
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    cover(target);
  }
}, { rootMargin: "200px" });

let turn = Promise.resolve();

async function cover(drawn) {
  const id = drawn.dataset.animeId;
  if (!(id in addresses)) {
    turn = turn.then(() => (drawn.isConnected && mayLoadCovers() ? find(id) : null));
    await turn;
  }
  if (!addresses[id] || !mayLoadCovers()) return;
  const picture = element("img", { alt: "", referrerPolicy: "no-referrer" });
  picture.addEventListener("load", () => drawn.replaceChildren(picture));
  picture.src = addresses[id];
}

const addresses = remembered();

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS)) ?? {};
  } catch {
    return {};
  }
}

async function find(id) {
  if (id in addresses) return;
  const pause = new Promise((done) => { setTimeout(done, PAUSE_MS); });
  try {
    const answer = await fetch(`https://api.jikan.moe/v4/anime/${id}`, { referrerPolicy: "no-referrer" });
    if (answer.ok) {
      addresses[id] = (await answer.json()).data.images.webp.large_image_url;
      localStorage.setItem(KEPT_AS, JSON.stringify(addresses));
    }
  } catch {
    // What is drawn stays.
  }
  await pause;
}
