// The page, with a real service behind it.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ask, openPage, problem, until } from "./browser.mjs";

const opened = [];
afterEach(() => { opened.splice(0).forEach((page) => page.close()); });

/** Open the page and wait for its first answer. */
async function open(options) {
  const page = await openPage(options);
  opened.push(page);
  await until(() => page.status() && page.texts("#model")[0], "the page says something");
  return page;
}

const posted = (page) => page.asked.filter(({ body }) => body).map(({ body }) => JSON.parse(JSON.stringify(body.ratings)));
const EXPORT = `<myanimelist>
  <anime><series_animedb_id>1</series_animedb_id><series_title>Cowboy Bebop</series_title><my_score>9</my_score><my_status>Completed</my_status></anime>
  <anime><series_animedb_id>4</series_animedb_id><series_title>Titan</series_title><my_score>0</my_score><my_status>Plan to Watch</my_status></anime>
  <anime><series_animedb_id>99999</series_animedb_id><series_title>Nobody knows it</series_title><my_score>5</my_score><my_status>Dropped</my_status></anime>
</myanimelist>`;
const ENTRIES = [
  { anime_id: 1, rating: 9, status: "completed" },
  { anime_id: 4, status: "plan_to_watch" },
  { anime_id: 99999, rating: 5, status: "dropped" },
];

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

for (const [kind, content] of [["plain", EXPORT], ["gzipped", gzipSync(EXPORT)]]) {
  test(`a ${kind} export is posted, answered, and kept in this tab`, async () => {
    const page = await open();
    page.chooseFile(new File([content], "animelist.xml.gz"));
    await until(() => page.status().startsWith("For animelist.xml.gz"));
    assert.deepEqual(posted(page), [ENTRIES]);
    assert.match(page.status(), /^For animelist\.xml\.gz, going by 1 of 3 entries, out of \d+/);
    assert.deepEqual(page.texts("#status details span"), ["Nobody knows it"]);
    assert.ok(page.titles().length > 0 && page.texts("#cards .because").length > 0);
    assert.ok(!page.titles().includes("Cowboy Bebop"));
    assert.equal(page.window.location.hash, "#list");
    const again = await open({ hash: "#list", kept: { "osusume-list": page.window.sessionStorage.getItem("osusume-list") } });
    assert.equal(again.status(), page.status());
    assert.deepEqual(again.titles(), page.titles());
  });
}

test("a file can be dropped", async () => {
  const page = await open();
  const over = page.fire(page.byId("list-form"), "dragover");
  assert.ok(over.defaultPrevented);
  page.fire(page.byId("list-form"), "drop", { dataTransfer: { files: [new File([EXPORT], "dropped.xml")], getData: () => "" } });
  await until(() => page.status().startsWith("For dropped.xml"));
  assert.deepEqual(posted(page), [ENTRIES]);
});

test("pasted titles are shown as found, and count as they are then ticked and chosen", async () => {
  const page = await open();
  page.byId("list-text").value = "cowboy bebop, 9\nshingeki no\nqqqqqqqqqqqqqqqq\nhttps://myanimelist.net/anime/1, 3\nPokemon";
  page.fire(page.byId("list-form"), "submit");
  await until(() => !page.byId("review").hidden);
  assert.deepEqual(page.texts("#review p"), ["1 of 5 lines are like no title of this model."]);
  const rows = [...page.document.querySelectorAll("#review li")];
  assert.deepEqual(rows.map((row) => row.querySelector(".typed").textContent),
    ["cowboy bebop", "shingeki no", "qqqqqqqqqqqqqqqq", "https://myanimelist.net/anime/1", "Pokemon"]);
  assert.equal(rows[2].className, "missing");
  assert.match(rows[0].querySelector("option").textContent, /^Cowboy Bebop \(/);
  assert.equal(rows[0].querySelector(".rated").textContent, "★ 9");
  const { data } = await ask("/anime?query=shingeki+no&limit=5&include_adult=true");
  assert.ok(data[1].relevance >= 0.5);
  rows[1].querySelector("select").value = "1";
  rows[3].querySelector("input").checked = false;
  page.document.querySelector("#review button").click();
  await until(() => page.status().startsWith("For your titles"));
  const pokemon = (await ask("/anime?query=Pokemon&limit=1")).data[0].anime_id;
  assert.deepEqual(posted(page), [[{ anime_id: 1, rating: 9 }, { anime_id: data[1].anime_id }, { anime_id: pokemon }]]);
  assert.ok(page.byId("review").hidden);
});

test("what is like a title by chance alone is not offered for it", async () => {
  const page = await open();
  const found = await ask("/anime?query=shingeki&limit=2&include_adult=true");
  const [first, second] = found.data;
  page.answers = (path) => {
    if (!path.startsWith("/anime?query=")) return undefined;
    return new Response(JSON.stringify({ ...found, data: [{ ...first, relevance: 0.5 }, { ...second, relevance: 0.499 }] }));
  };
  page.byId("list-text").value = "shingeki";
  page.fire(page.byId("list-form"), "submit");
  await until(() => !page.byId("review").hidden);
  assert.equal(page.texts("#review option").length, 1);
  assert.ok(page.texts("#review option")[0].startsWith(first.name));
  // Who goes elsewhere is asked no more.
  page.window.location.hash = "#user/2";
  await until(() => page.status().startsWith("For user 2"));
  assert.ok(page.byId("review").hidden);
});

test("a list that cannot be read says why, and what was shown stays", async () => {
  const page = await open();
  const shown = page.titles();
  page.chooseFile(new File(["<rss/>"], "feed.xml"));
  await until(page.failed);
  assert.match(page.status(), /no MyAnimeList export/);
  assert.deepEqual(page.titles(), shown);
  assert.deepEqual(posted(page), []);
});

test("an empty export says that no anime is on it", async () => {
  const page = await open();
  page.chooseFile(new File(["<myanimelist></myanimelist>"], "empty.xml"));
  await until(page.failed);
  assert.equal(page.status(), "No anime is on this list.");
});

for (const [text, message] of [
  [JSON.stringify(Array.from({ length: 20_001 }, (_, id) => ({ anime_id: id }))), "The list has 20001 entries; at most 20000 are read."],
  ["K\n".repeat(501), "These are 501 lines; at most 500 titles are looked up."],
]) {
  test(`too much is refused before anything is asked: ${message}`, async () => {
    const page = await open();
    const before = page.asked.length;
    page.byId("list-text").value = text;
    page.fire(page.byId("list-form"), "submit");
    await until(page.failed);
    assert.equal(page.status(), message);
    assert.equal(page.asked.length, before);
  });
}

test("an address of an anime that the model does not know says so, and the page goes on", async () => {
  const page = await open({ hash: "#anime/99999999" });
  assert.ok(page.failed());
  assert.match(page.status(), /anime 99999999 is not in the model/);
  page.window.location.hash = "";
  await until(() => page.status().startsWith("The most popular"));
  assert.ok(!page.failed());
});

test("what is wrong with a filter is said with what was expected", async () => {
  const page = await open();
  page.byId("year_from").value = "12";
  page.fire(page.byId("year_from"), "change");
  await until(page.failed);
  assert.match(page.status(), /year_from: a whole number from 1900 to 2100/);
});

for (const [what, answers, message] of [
  ["a service without a model", () => problem(503, { detail: "no model is loaded yet", hint: "train one" }), /^no model is loaded yet\. train one$/],
  ["a fault of the service", () => problem(500, { detail: "something went wrong on this side" }), /^something went wrong on this side$/],
  ["a network that is down", () => { throw new TypeError("fetch failed"); }, /^The service does not answer\. Is it running\?$/],
  ["a proxy that answers itself", () => new Response("<html>Bad Gateway</html>", { status: 502 }), /^The service does not answer\. Is it running\?$/],
  ["an answer that breaks off", () => new Response('{"data": [', { status: 200 }), /^The service does not answer\. Is it running\?$/],
]) {
  test(`${what} is told where the user looks, and the page goes on`, async () => {
    const page = await openPage({ answers });
    opened.push(page);
    await until(page.failed);
    assert.match(page.status(), message);
    assert.deepEqual(page.titles(), []);
    page.answers = () => undefined;
    page.byId("title").value = "cowboy bebop";
    page.fire(page.byId("title-form"), "submit");
    await until(() => page.status().startsWith("Similar to Cowboy Bebop"));
    assert.ok(!page.failed());
  });
}

test("a list is not lost when the service fails: it is posted again when asked for", async () => {
  const page = await open();
  page.answers = (path) => (path.startsWith("/recommendations") ? problem(503, { detail: "not ready" }) : undefined);
  page.chooseFile(new File([EXPORT], "mine.xml"));
  await until(page.failed);
  assert.equal(page.status(), "not ready");
  page.answers = () => undefined;
  page.chooseFile(new File([EXPORT], "mine.xml"));
  await until(() => page.status().startsWith("For mine.xml"));
  assert.deepEqual(posted(page), [ENTRIES, ENTRIES]);
});

test("a title that cannot be looked up because the service fails is no title that was not found", async () => {
  const page = await open();
  page.answers = (path) => (path === "/anime/1" ? problem(503, { detail: "not ready" }) : undefined);
  page.byId("list-text").value = "https://myanimelist.net/anime/1, 9";
  page.fire(page.byId("list-form"), "submit");
  await until(page.failed);
  assert.equal(page.status(), "not ready");
  assert.ok(page.byId("review").hidden);
});

test("a stored list that is damaged is forgotten", async () => {
  const page = await open({ hash: "#list", kept: { "osusume-list": "{" } });
  assert.match(page.status(), /^The most popular/);
});
