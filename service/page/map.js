// The map of all anime: what lies together is seen by the same people.

import { ask } from "./api.js";
import { card, link } from "./cards.js";
import { attempt, button, byId, element, number, report } from "./dom.js";
import { act, forgetList } from "./listing.js";
import { pointsOnCanvas } from "./map_canvas.js";
import { HUES } from "./posters.js";
import { address, staying } from "./state.js";
import { heading } from "./views.js";

// An anime has the colour of the first of these that it has: the rarer ones tell more.
const COLOURED = ["Kids", "Music", "Sports", "Mecha", "Horror", "Historical", "Slice of Life", "Romance", "Sci-Fi", "Fantasy", "Drama", "Action", "Comedy"];
const dark = matchMedia("(prefers-color-scheme: dark)");
let loaded = null;
let canvas = null;

export async function map({ id }) {
  forgetList();
  heading("The map of anime");
  report("Drawing …");
  const isStillHere = staying();
  loaded ??= prepared(await ask("anime/map"));
  if (!isStillHere()) return;
  if (!loaded.ids.length) {
    report("This model has no map.");
    return;
  }
  const at = id === "" ? -1 : loaded.places.get(Number(id)) ?? -1;
  byId("lead").replaceChildren(stage(at));
  report(`${number(loaded.ids.length)} anime. What lies together is seen by the same people.`);
  if (at >= 0) await tell(at);
}

function prepared(answer) {
  const coloured = COLOURED.map((name) => answer.genre_names.indexOf(name));
  const colours = answer.genres.map((genres) => {
    const place = coloured.findIndex((genre) => genres.includes(genre));
    return place < 0 ? COLOURED.length : place;
  });
  return {
    ids: answer.anime_ids, names: answer.names, x: answer.x, y: answer.y, genres: answer.genres, colours, coloured,
    places: new Map(answer.anime_ids.map((id, place) => [id, place])),
  };
}

const colourOf = (name) => `oklch(${dark.matches ? ".75 .15" : ".6 .18"} ${HUES[name]})`;
let colours = null;

/** A colour as CSS and as the word of a pixel. */
function paint(css) {
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  return { css, word: new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer)[0] };
}

function palette() {
  // Made once for each of light and dark: a frame has no time for it.
  if (colours?.isDark !== dark.matches) {
    const style = getComputedStyle(document.body);
    const [grey, faint] = dark.matches ? ["#8a8580", "#2e2b31"] : ["#9a928a", "#e4ddd4"];
    colours = {
      isDark: dark.matches, colours: [...COLOURED.map(colourOf), grey].map(paint), faint: paint(faint), ink: style.color, paper: style.backgroundColor,
    };
  }
  return colours;
}

function stage(at) {
  const drawing = element("canvas", { tabIndex: 0, id: "map", role: "application" });
  drawing.setAttribute("aria-label", "Map of anime. Arrow keys move, plus and minus zoom. What is in view is listed beside it.");
  const tip = element("div", { className: "tip", hidden: true });
  const about = element("div", { id: "map-about", ariaLive: "polite" });
  const inView = element("ol", { id: "in-view" });
  let timer;
  canvas?.end();
  canvas = pointsOnCanvas(drawing, loaded, palette, {
    over(point, event) {
      tip.hidden = point < 0;
      drawing.style.cursor = point < 0 ? "grab" : "pointer";
      if (point < 0) return;
      tip.textContent = loaded.names[point];
      tip.style.left = `${event.offsetX + 14}px`;
      tip.style.top = `${event.offsetY + 8}px`;
    },
    chosen(point) {
      canvas.mark(point);
      history.replaceState(null, "", address("map", loaded.ids[point]));
      attempt(() => tell(point));
    },
    moved() {
      clearTimeout(timer);
      timer = setTimeout(() => inView.replaceChildren(...canvas.firstInView(8).map((point) => element("li", {}, link({ anime_id: loaded.ids[point], name: loaded.names[point] })))), 200);
    },
  });
  dark.onchange = canvas.redraw;
  if (at >= 0) requestAnimationFrame(() => requestAnimationFrame(() => canvas.show(at)));
  const zoom = (words, label, factor) => button(words, () => canvas.zoom(factor), { ariaLabel: label });
  return element("div", { className: "map" },
    element("div", { className: "drawing" }, drawing, tip, element("div", { className: "zoom" }, zoom("+", "Zoom in", 1.6), zoom("−", "Zoom out", 1 / 1.6))),
    element("aside", { ariaLabel: "Beside the map" }, about, element("h2", {}, "In view"), inView, legend()));
}

function legend() {
  const chips = COLOURED.map((name, place) => {
    const chip = button(name, () => {
      const isOn = chip.ariaPressed === "true";
      chip.parentElement.parentElement.querySelectorAll("button").forEach((one) => { one.ariaPressed = "false"; });
      chip.ariaPressed = String(!isOn);
      canvas.light(isOn ? null : (at) => loaded.genres[at].includes(loaded.coloured[place]));
    }, { className: "chip", ariaPressed: "false" });
    chip.style.setProperty("--dot", `oklch(.65 .17 ${HUES[name]})`);
    return element("li", {}, chip);
  });
  return element("ul", { className: "chips legend", ariaLabel: "Show only a genre" }, ...chips);
}

async function tell(at) {
  const { data } = await ask(`anime/${loaded.ids[at]}`);
  byId("map-about").replaceChildren(card(data, { act }));
}

/** Go to an anime that was searched for, if it is on the map. */
export function showOnMap(anime) {
  const at = loaded?.places.get(anime.anime_id) ?? -1;
  if (at < 0) return false;
  canvas.show(at);
  history.replaceState(null, "", address("map", anime.anime_id));
  attempt(() => tell(at));
  return true;
}
