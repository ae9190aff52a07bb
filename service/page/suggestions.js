// Titles suggested while one is typed.

import { ask } from "./api.js";
import { element } from "./cards.js";

/** Make a combobox of an input and its list; `choose` gets the anime that was picked. */
export function suggestTitles(input, list, form, { choose, attempt, report }) {
  let asked = 0;
  let timer;

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function pick(item) {
    close();
    input.value = item.dataset.name;
    choose(item.dataset.id);
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
    item.addEventListener("mousedown", (event) => { event.preventDefault(); pick(item); });
    return item;
  }

  async function suggest() {
    const number = ++asked;
    const query = input.value.trim();
    if (!query) return close();
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
    } else if (event.key === "Escape") close();
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    attempt(async () => {
      const picked = list.querySelector('[aria-selected="true"]');
      if (!picked) await suggest();
      const item = picked ?? list.firstElementChild;
      if (item && !list.hidden) pick(item);
    });
  });
}
