// The page, with a real service behind it: lists of one's own, and what goes wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ask, open, openAtOnce, problem, until } from "./browser.mjs";

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
    const page = await openAtOnce({ answers });
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
