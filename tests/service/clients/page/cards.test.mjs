// An anime as a card, in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleOf } from "./browser.mjs";

const { card, facts } = await moduleOf("cards.js");

const BEBOP = {
  anime_id: 1, name: "Cowboy Bebop", english_name: "Cowboy Bebop", japanese_name: "カウボーイビバップ", type: "TV",
  episodes: 26, genres: ["Action", "Space"], synopsis: "Bounty hunters.", year: 1998, score: 8.781, members: 1,
  age_rating: null, url: "https://myanimelist.net/anime/1",
};
// Whatever can be unknown is.
const UNKNOWN = {
  ...BEBOP, english_name: null, japanese_name: null, type: null, episodes: null, genres: [], synopsis: null, year: null,
  score: null, members: null,
};
const REASONS = {
  rank: 3, score: 0.61, mean_score: 8.781, supporters: [], n_supporters: 0, because: [], notes: [],
  franchise: { role: "main", next_after: [], score_of: null },
};
const text = (shown, selector) => [...shown.querySelectorAll(selector)].map((element) => element.textContent);

test("a card shows what is known", () => {
  const shown = card(BEBOP);
  assert.deepEqual(text(shown, "h2"), ["Cowboy Bebop"]);
  assert.equal(shown.querySelector("h2 a").getAttribute("href"), "#anime/1");
  assert.deepEqual(text(shown, ".other"), ["カウボーイビバップ"]);
  assert.deepEqual(text(shown, ".facts"), ["1998 · TV · 26 episodes · ★ 8.78", ""]);
  assert.deepEqual(text(shown, ".synopsis"), ["Bounty hunters."]);
  assert.deepEqual(text(shown, ".genres li"), ["Action", "Space"]);
  assert.equal(shown.querySelector("footer a").href, "https://myanimelist.net/anime/1");
  for (const absent of [".rank", ".bar", ".place", ".because"]) assert.equal(shown.querySelector(absent), null);
});

test("a card of an anime of which nothing is known shows its name, and says that there is no synopsis", () => {
  const shown = card(UNKNOWN);
  assert.deepEqual(text(shown, ".facts"), ["", ""]);
  assert.equal(shown.querySelector(".other"), null);
  assert.equal(shown.textContent, "Cowboy BebopNo synopsis.MyAnimeList");
});

test("one episode is not many", () => {
  assert.equal(facts({ ...UNKNOWN, episodes: 1 }), "1 episode");
});

test("titles and synopses never become markup", () => {
  const shown = card({ ...BEBOP, name: "<img src=x onerror=alert(1)>", synopsis: "<b>bold</b>", genres: ["<i>Action</i>"] });
  assert.equal(shown.querySelector("img, b, i"), null);
  assert.deepEqual(text(shown, "h2"), ["<img src=x onerror=alert(1)>"]);
});

test("a click shows the whole synopsis, and another cuts it again", () => {
  const synopsis = card(BEBOP).querySelector(".synopsis");
  const states = [1, 2].map(() => { synopsis.click(); return synopsis.classList.contains("whole"); });
  assert.deepEqual(states, [true, false]);
});

for (const [similarity, width] of [[0.25, "25%"], [0, "0%"], [-0.5, "0%"], [1, "100%"]]) {
  test(`a similarity of ${similarity} fills ${width} of the bar`, () => {
    const shown = card({ ...BEBOP, rank: 2, similarity, similarity_of: 1 });
    assert.equal(shown.querySelector(".bar span").style.width, width);
    assert.equal(shown.querySelector(".bar").title, `similarity ${similarity.toFixed(3)}`);
    assert.deepEqual(text(shown, ".rank"), ["2"]);
    assert.equal(shown.querySelector("footer .facts").textContent, `similarity ${similarity.toFixed(3)}`);
    assert.equal(shown.querySelector(".place"), null);
  });
}

test("a similar anime that stands for a later entry of its franchise says so", () => {
  const shown = card({ ...BEBOP, similarity: 0.5, similarity_of: 2 });
  assert.deepEqual(text(shown, ".place"), ["Where to begin; a later entry is what is so similar."]);
});

test("a recommendation shows its own score, and the catalogue's as the anime's", () => {
  const shown = card({ ...BEBOP, ...REASONS });
  assert.deepEqual(text(shown, ".facts"), ["1998 · TV · 26 episodes · ★ 8.78", "score 0.610"]);
  assert.equal(shown.querySelector(".because"), null);
  assert.equal(shown.querySelector(".place"), null);
  assert.equal(facts({ ...UNKNOWN, ...REASONS, mean_score: null }), "");
});

test("a recommendation says why: three of the anime that speak for it, who likes it, and notes", () => {
  const because = ["A", "B", "C", "D"].map((name) => ({ anime_id: 1, name, contribution: 0.1 }));
  const notes = ["comes after A", "liked in space", "much watched"];
  const shown = card({ ...BEBOP, ...REASONS, because, notes, n_supporters: 4 });
  assert.deepEqual(text(shown, ".because"), ["Because of A, B, C. 4 similar users rate it highly. Liked in space; much watched."]);
  assert.deepEqual(text(card({ ...BEBOP, ...REASONS, n_supporters: 1 }), ".because"), ["1 similar user rates it highly. "]);
});

for (const [role, words] of [["main", "Next after A."], ["side", "A side story, after A."], ["extra", "An extra, after A."]]) {
  test(`a recommended entry of role ${role} says: ${words}`, () => {
    const franchise = { role, next_after: [{ anime_id: 5, name: "A" }], score_of: null };
    assert.deepEqual(text(card({ ...BEBOP, ...REASONS, franchise }), ".place"), [words]);
  });
}

test("the first of a new franchise says which entry fits best", () => {
  const franchise = { role: "main", next_after: [], score_of: { anime_id: 5, name: "A" } };
  assert.deepEqual(text(card({ ...BEBOP, ...REASONS, franchise }), ".place"), ["Where to begin: A fits you best of it."]);
});
