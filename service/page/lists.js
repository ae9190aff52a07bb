// Lists as people have them, read in the browser: exports of list sites, and titles line by line.

const STATUSES = {
  watching: "watching", completed: "completed", "on hold": "on_hold", "on-hold": "on_hold", dropped: "dropped",
  "plan to watch": "plan_to_watch", 1: "watching", 2: "completed", 3: "on_hold", 4: "dropped", 6: "plan_to_watch",
};

const ANILIST = "This is AniList's own export. It numbers anime in AniList's way, which this model does not know, and holds "
  + "no titles. Export your list in MyAnimeList's form (XML) and choose that, or paste titles instead.";

/** Read a file as text, unpacking it where it is gzipped. */
export async function textOf(file) {
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if (head[0] !== 0x1f || head[1] !== 0x8b) return file.text();
  try {
    return await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  } catch {
    throw new Error(`${file.name} is gzipped, and cannot be unpacked. Unpack it and choose the .xml in it.`);
  }
}

/** Read a list of any known form: `{ entries, names }` where ids are given, `{ lines }` where titles have to be found. */
export function parseList(text) {
  // A byte order mark counts as white space.
  const begun = text.trimStart();
  if (!begun) throw new Error("There is nothing in it.");
  if (begun.startsWith("<")) return parseXml(begun);
  if (begun.startsWith("{") || begun.startsWith("[")) return parseJson(begun);
  return { lines: parseLines(begun) };
}

function parseXml(text) {
  const parsed = new DOMParser().parseFromString(text, "text/xml");
  if (parsed.querySelector("parsererror")) throw new Error("This XML is damaged: it cannot be read to its end.");
  if (parsed.documentElement.nodeName !== "myanimelist") {
    throw new Error(`This is XML, but no MyAnimeList export: it begins with <${parsed.documentElement.nodeName}>.`);
  }
  const exported = [...parsed.getElementsByTagName("anime")];
  if (!exported.length && parsed.getElementsByTagName("manga").length) {
    throw new Error("This is a list of manga. MyAnimeList exports anime and manga apart; this service knows anime.");
  }
  const names = new Map();
  const entries = exported.flatMap((anime) => {
    const value = (name) => anime.getElementsByTagName(name)[0]?.textContent.trim() ?? "";
    const animeId = Number(value("series_animedb_id"));
    // Anime that a site cannot name MyAnimeList's id of are exported with 0.
    if (!Number.isSafeInteger(animeId) || animeId <= 0) return [];
    names.set(animeId, value("series_title"));
    return [entryOf(animeId, value("my_score"), value("my_status"))];
  });
  return { entries, names };
}

function parseJson(text) {
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`This begins like JSON, but is none: ${error.message}.`);
  }
  if (Array.isArray(parsed?.lists) && parsed.lists.some((entry) => entry && "series_id" in entry)) throw new Error(ANILIST);
  const rows = Array.isArray(parsed) ? parsed : parsed?.ratings;
  if (!Array.isArray(rows) || !rows.every((row) => Number.isSafeInteger(row?.anime_id))) {
    throw new Error('This JSON is no list that can be read here; what can: {"ratings": [{"anime_id": 1, "rating": 9}]}.');
  }
  const entries = rows.map((row) => entryOf(row.anime_id, row.rating ?? "", row.status ?? ""));
  return { entries, names: new Map() };
}

function entryOf(animeId, score, status) {
  const rating = Math.round(Number(score));
  const entry = { anime_id: animeId };
  if (rating >= 1 && rating <= 10) entry.rating = rating;
  const known = STATUSES[String(status).toLowerCase().replaceAll("_", " ")];
  if (known) entry.status = known;
  return entry;
}

/** Titles or addresses, one per line, with or without a rating behind a comma, semicolon, bar or tab. */
function parseLines(text) {
  return text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean).map((line) => {
    const address = line.match(/myanimelist\.net\/anime\/(\d{1,9})/);
    const rated = line.match(/^(.+?)\s*[,;|\t]\s*(10|[1-9])(?:\s*\/\s*10)?$/);
    const rating = rated ? Number(rated[2]) : undefined;
    return { title: rated ? rated[1] : line, rating, animeId: address ? Number(address[1]) : undefined };
  });
}
