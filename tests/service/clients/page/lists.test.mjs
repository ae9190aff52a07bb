// Lists as people have them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { moduleOf } from "./browser.mjs";

const { parseList, textOf } = await moduleOf("lists.js");
// Plain objects of this realm: what the page makes has the prototypes of its window.
const plain = (value) => JSON.parse(JSON.stringify(value));

const exported = (...anime) => `<?xml version="1.0" encoding="UTF-8" ?>
<!-- Created by XML Export feature -->
<myanimelist><myinfo><user_name>somebody</user_name></myinfo>${anime.map(([id, title, score, status]) => `
  <anime>
    <series_animedb_id>${id}</series_animedb_id>
    <series_title><![CDATA[${title}]]></series_title>
    <my_score>${score}</my_score>
    <my_status>${status}</my_status>
  </anime>`).join("")}
</myanimelist>`;

test("every anime of an export becomes an entry with its rating and status", () => {
  const { entries, names } = parseList(exported(
    [1, "Cowboy Bebop", 9, "Completed"],
    [4, "Bebop & <Film>", 0, "Plan to Watch"],
    [7, "Half", "6.5", "Watching"],
    [10, "Eleven", 11, "On-Hold"],
    [13, "Dropped", 2, "Dropped"],
    [16, "Unknown", 10, "Rewatching"],
  ));
  assert.deepEqual(plain(entries), [
    { anime_id: 1, rating: 9, status: "completed" },
    { anime_id: 4, status: "plan_to_watch" },
    { anime_id: 7, rating: 7, status: "watching" },
    { anime_id: 10, status: "on_hold" },
    { anime_id: 13, rating: 2, status: "dropped" },
    { anime_id: 16, rating: 10 },
  ]);
  assert.equal(names.get(1), "Cowboy Bebop");
  assert.equal(names.get(4), "Bebop & <Film>");
});

test("MyAnimeList's numbers of statuses are read as their words", () => {
  const { entries } = parseList(exported(...[1, 2, 3, 4, 5, 6].map((status) => [status, "", 5, status])));
  assert.deepEqual(
    plain(entries.map((entry) => entry.status ?? null)),
    ["watching", "completed", "on_hold", "dropped", null, "plan_to_watch"],
  );
});

test("anime without an id of MyAnimeList are left out", () => {
  const { entries } = parseList(exported([0, "Unknown there", 9, "Completed"], ["", "None", 9, ""], [5, "", 8, ""]));
  assert.deepEqual(plain(entries), [{ anime_id: 5, rating: 8 }]);
});

test("a byte order mark and empty lines before an export do no harm", () => {
  assert.equal(parseList(`\ufeff\n\n${exported([1, "Cowboy Bebop", 9, "Completed"]).replace(/^<\?xml.*\n/, "")}`).entries.length, 1);
});

for (const [what, text, message] of [
  ["nothing", "\ufeff  \n ", /There is nothing in it/],
  ["an export that was cut off", exported([1, "Cowboy Bebop", 9, "Completed"]).slice(0, -30), /damaged/],
  ["other XML", "<rss><channel/></rss>", /no MyAnimeList export: it begins with <rss>/],
  ["a list of manga", "<myanimelist><manga><manga_mangadb_id>1</manga_mangadb_id></manga></myanimelist>", /list of manga/],
  ["broken JSON", '{"ratings": [', /begins like JSON, but is none/],
  ["other JSON", '{"animes": []}', /no list that can be read here/],
  ["JSON with an id that is no number", '[{"anime_id": "1"}]', /no list that can be read here/],
  ["AniList's own export", '{"lists": [{"series_id": 1}]}', /AniList's own export/],
]) {
  test(`${what} is refused with the reason`, () => {
    assert.throws(() => parseList(text), { message });
  });
}

test("JSON as the API takes it is a list, with or without its envelope", () => {
  const rows = [{ anime_id: 1, rating: 9, status: "on_hold" }, { anime_id: 4, rating: null }, { anime_id: 7, status: 6 }];
  const expected = [{ anime_id: 1, rating: 9, status: "on_hold" }, { anime_id: 4 }, { anime_id: 7, status: "plan_to_watch" }];
  assert.deepEqual(plain(parseList(JSON.stringify(rows)).entries), expected);
  assert.deepEqual(plain(parseList(JSON.stringify({ ratings: rows })).entries), expected);
});

test("pasted lines are titles or addresses, with or without a rating", () => {
  const { lines } = parseList(`Cowboy Bebop, 9
shingeki no kyojin\t10\r

  Steins;Gate
Steins;Gate; 8
K | 7/10
Mob Psycho 100
Eighty-Six, 11
Area 88, 0
https://myanimelist.net/anime/5114/Fullmetal_Alchemist__Brotherhood, 10
`);
  assert.deepEqual(plain(lines), [
    { title: "Cowboy Bebop", rating: 9 },
    { title: "shingeki no kyojin", rating: 10 },
    { title: "Steins;Gate" },
    { title: "Steins;Gate", rating: 8 },
    { title: "K", rating: 7 },
    { title: "Mob Psycho 100" },
    { title: "Eighty-Six, 11" },
    { title: "Area 88, 0" },
    { title: "https://myanimelist.net/anime/5114/Fullmetal_Alchemist__Brotherhood", rating: 10, animeId: 5114 },
  ]);
});

test("a gzipped file is unpacked, whatever its name; another is read as it is", async () => {
  const text = exported([1, "カウボーイビバップ", 9, "Completed"]);
  assert.equal(await textOf(new File([gzipSync(text)], "animelist.xml")), text);
  assert.equal(await textOf(new File([text], "animelist.xml.gz")), text);
  assert.equal(await textOf(new File(["K"], "one letter.txt")), "K");
});

test("a gzipped file that is damaged is refused by name", async () => {
  const packed = gzipSync(exported([1, "Cowboy Bebop", 9, "Completed"]));
  await assert.rejects(textOf(new File([packed.subarray(0, 60)], "mine.xml.gz")), { message: /mine\.xml\.gz is gzipped, and cannot be unpacked/ });
});
