// Titles suggested while one is typed.

import { ask } from "./api.js";
import { attempt, element } from "./dom.js";
import { poster } from "./posters.js";

const PAUSE_MS = 120;

/** Make a combobox of an input and its list; `choose` gets the anime that was picked. */
export function suggestTitles(input, list, form, choose) {
  let asked = 0;
  let timer;
  let found = [];

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function pick(anime) {
    close();
    asked += 1;
    input.value = "";
    choose(anime);
  }

  function suggestion(anime, place) {
    const details = [anime.english_name !== anime.name ? anime.english_name : null, anime.year, anime.type];
    const item = element(
      "li",
      { role: "option", id: `${list.id}-${place}`, ariaSelected: "false" },
      poster(anime),
      element("span", {}, anime.name, element("small", {}, details.filter(Boolean).join(" · "))),
    );
    // Before the input loses its focus.
    item.addEventListener("mousedown", (event) => { event.preventDefault(); pick(anime); });
    return item;
  }

  async function suggest() {
    const mine = ++asked;
    const query = input.value.trim();
    if (!query) {
      found = [];
      close();
      return;
    }
    const answer = await ask("anime", { query: query.slice(0, 200), limit: 8 });
    // A later question may have been answered already.
    if (mine !== asked) return;
    found = answer.data;
    list.replaceChildren(...found.map(suggestion));
    if (!found.length) list.append(element("li", { className: "none", role: "option", ariaDisabled: "true" }, `No title is like “${query}”.`));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  function move(step) {
    const items = [...list.children];
    const at = items.findIndex((item) => item.ariaSelected === "true");
    const next = at < 0 && step < 0 ? items.length - 1 : (at + step + items.length) % items.length;
    items.forEach((item, place) => { item.ariaSelected = String(place === next); });
    input.setAttribute("aria-activedescendant", items[next].id);
    items[next].scrollIntoView({ block: "nearest" });
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(suggest), PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden || !found.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") close();
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    attempt(async () => {
      const picked = [...list.children].findIndex((item) => item.ariaSelected === "true");
      if (list.hidden || picked < 0) await suggest();
      const anime = found[Math.max(picked, 0)];
      if (anime && !list.hidden) pick(anime);
    });
  });
}
