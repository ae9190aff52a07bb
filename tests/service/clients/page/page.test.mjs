// The page, with a real service behind it: looking at anime and users.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, open, until } from "./browser.mjs";

test("it begins with the most popular anime, and More brings the next until there are no more", async () => {
  const { data, pagination } = await ask("/anime?limit=100");
  const page = await open();
  assert.equal(page.status(), `The most popular of ${pagination.total}`);
  while (!page.byId("more").hidden) {
    const before = page.titles().length;
    assert.equal(before % 12, 0);
    page.byId("more").click();
    await until(() => page.titles().length > before);
  }
  assert.deepEqual(page.titles(), data.map((anime) => anime.name));
  assert.deepEqual(page.texts("#cards .rank"), data.map((_, place) => String(place + 1)));
});

test("cards of the model show gaps as gaps", async () => {
  const { data } = await ask("/anime?limit=100");
  const page = await open();
  for (let shown = 12; !page.byId("more").hidden; shown = page.titles().length) {
    page.byId("more").click();
    await until(() => page.titles().length > shown);
  }
  const cards = [...page.document.querySelectorAll("#cards article")];
  assert.equal(cards.length, data.length);
  data.forEach((anime, place) => {
    const card = cards[place];
    assert.equal(card.querySelector(".synopsis").textContent, anime.synopsis === null ? "No synopsis." : anime.synopsis);
    assert.equal(card.querySelector(".facts").textContent.includes("★"), anime.score !== null);
    assert.equal(card.querySelector(".facts").textContent.includes("episode"), anime.episodes !== null);
    assert.doesNotMatch(card.textContent, /null|undefined|NaN/);
  });
  // Else nothing of this was seen.
  for (const name of ["synopsis", "score", "episodes", "year"]) assert.ok(data.some((anime) => anime[name] === null), name);
});

test("it says what the model is, and offers its types and genres as filters", async () => {
  const model = await ask("/model");
  const page = await open();
  assert.match(page.texts("#model")[0], new RegExp(`^Model ${model.model_version}: 60 anime, 40 users, `));
  assert.equal(page.byId("simulated").hidden, !model.data.simulated);
  assert.deepEqual([...page.byId("genre").options].map((option) => option.value), ["", ...model.genres]);
  assert.deepEqual([...page.byId("type").options].map((option) => option.value), ["", ...model.types]);
});

test("a filter asks anew, with it", async () => {
  const page = await open();
  const { data, pagination } = await ask("/anime?type=Movie&limit=12");
  page.byId("type").value = "Movie";
  page.fire(page.byId("type"), "change");
  await until(() => page.status() === `The most popular of ${pagination.total}`);
  assert.deepEqual(page.titles(), data.map((anime) => anime.name));
});

test("a title is suggested while it is typed; the one that is chosen by keys is shown with what is like it", async () => {
  const page = await open();
  const suggested = (await ask("/anime?query=shingeki&limit=8")).data;
  page.type("title", "shingeki");
  await until(() => !page.byId("suggestions").hidden);
  assert.equal(page.byId("title").getAttribute("aria-expanded"), "true");
  const items = [...page.byId("suggestions").children];
  assert.deepEqual(items.map((item) => item.dataset.name), suggested.map((anime) => anime.name));
  assert.equal(items[0].textContent, "Shingeki no Kyojin Attack on Titan" + [suggested[0].year, suggested[0].type].filter(Boolean).map((fact) => ` · ${fact}`).join(""));
  const selected = () => items.map((item) => item.getAttribute("aria-selected") === "true").indexOf(true);
  const places = ["ArrowUp", "ArrowDown", "ArrowDown", "ArrowUp"].map((key) => {
    assert.ok(page.fire(page.byId("title"), "keydown", { key }).defaultPrevented);
    assert.equal(page.byId("title").getAttribute("aria-activedescendant"), items[selected()].id);
    return selected();
  });
  assert.ok(items.length >= 2);
  assert.deepEqual(places, [items.length - 1, 0, 1, 0]);
  page.fire(page.byId("title-form"), "submit");
  await until(() => page.status().startsWith("Similar to"));
  const similar = await ask(`/anime/${suggested[0].anime_id}/similar?limit=12`);
  assert.equal(page.window.location.hash, `#anime/${suggested[0].anime_id}`);
  assert.equal(page.status(), `Similar to Shingeki no Kyojin, out of ${similar.pagination.total}`);
  assert.deepEqual(page.texts("#subject h2 a"), ["Shingeki no Kyojin"]);
  assert.deepEqual(page.titles(), similar.data.map((anime) => anime.name));
  assert.deepEqual(page.texts("#cards footer .facts"), similar.data.map((anime) => `similarity ${anime.similarity.toFixed(3)}`));
  assert.ok(page.byId("suggestions").hidden);
  assert.equal(page.byId("title").value, "Shingeki no Kyojin");
});

test("a suggestion can be clicked, and the list be closed by Escape or by emptying the input", async () => {
  const page = await open();
  page.type("title", "steins gate");
  await until(() => !page.byId("suggestions").hidden);
  page.fire(page.byId("title"), "keydown", { key: "Escape" });
  assert.ok(page.byId("suggestions").hidden);
  assert.equal(page.byId("title").getAttribute("aria-expanded"), "false");
  page.type("title", "steins gate");
  await until(() => !page.byId("suggestions").hidden);
  page.type("title", " ");
  await until(() => page.byId("suggestions").hidden);
  page.type("title", "steins gate");
  await until(() => !page.byId("suggestions").hidden);
  page.fire(page.byId("suggestions").firstElementChild, "mousedown");
  await until(() => page.status().startsWith("Similar to Steins;Gate"));
});

test("Enter without a choice takes the best, and a title that nobody knows is said to be none", async () => {
  const page = await open();
  page.byId("title").value = "cowboy bebop";
  page.fire(page.byId("title-form"), "submit");
  await until(() => page.status().startsWith("Similar to Cowboy Bebop"));
  // Its English name is the same, and is not said twice.
  assert.match(page.byId("suggestions").firstElementChild.textContent, /^Cowboy Bebop (?!Cowboy)/);
  page.type("title", "qqqqqqqqqqqqqqqq");
  await until(() => page.status() === "No title is like “qqqqqqqqqqqqqqqq”.");
  assert.ok(page.byId("suggestions").hidden);
});

/** Hold back the answer to one path; give what lets it come, and waits until it has. */
async function holdBack(page, path) {
  const content = JSON.stringify(await ask(path));
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  page.answers = async (asked) => {
    if (!asked.startsWith(path)) return undefined;
    await released;
    return new Response(content);
  };
  return async () => {
    release();
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  };
}

test("titles found for what was typed earlier are not suggested when they come late", async () => {
  const page = await open();
  const letItCome = await holdBack(page, "/anime?query=steins");
  page.type("title", "steins");
  await until(() => page.asked.some(({ path }) => path.includes("query=steins")));
  page.type("title", "cowboy");
  await until(() => !page.byId("suggestions").hidden);
  await letItCome();
  assert.equal(page.byId("suggestions").firstElementChild.dataset.name, "Cowboy Bebop");
});

test("an answer to what was asked earlier is not shown when it comes late", async () => {
  const page = await open();
  const letItCome = await holdBack(page, "/anime/1/similar");
  page.window.location.hash = "#anime/1";
  await until(() => page.asked.some(({ path }) => path.startsWith("/anime/1/similar")));
  page.window.location.hash = "#user/2";
  await until(() => page.status().startsWith("For user 2"));
  const shown = page.titles();
  await letItCome();
  assert.match(page.status(), /^For user 2/);
  assert.deepEqual(page.titles(), shown);
  assert.deepEqual(page.texts("#subject h2"), []);
});

test("an address of a user shows what they may watch next", async () => {
  const { data, method } = await ask("/users/2/recommendations?limit=12");
  const page = await open({ hash: "#user/2" });
  assert.match(page.status(), new RegExp(`^For user 2, by ${method}, out of `));
  assert.deepEqual(page.titles(), data.map((anime) => anime.name));
  // Ids that are texts stand encoded in addresses, and as they are in the form.
  page.window.location.hash = "#user/%31%32";
  await until(() => page.status().startsWith("For user 12"));
  assert.equal(page.byId("user").value, "12");
  page.byId("user").value = "a/b %";
  page.fire(page.byId("user-form"), "submit");
  await until(() => page.status().includes("user_id: a whole number"));
  assert.equal(page.window.location.hash, "#user/a%2Fb%20%25");
  assert.equal(page.byId("user").value, "a/b %");
  page.byId("user").value = " 7 ";
  page.fire(page.byId("user-form"), "submit");
  await until(() => page.status().startsWith("For user 7"));
});
