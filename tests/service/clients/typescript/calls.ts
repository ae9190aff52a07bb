// Calls every operation of a running service, and prints the name of each that succeeded.
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./schema.js";

declare const process: { argv: string[] };

const client = createClient<paths>({ baseUrl: process.argv[2]! });

type Status = NonNullable<components["schemas"]["ListEntry"]["status"]>;
// Both forms of a status are types of their own: a word, a number.
const words: Extract<Status, string>[] = ["watching", "completed", "on_hold", "dropped", "plan_to_watch"];
const numbers: Extract<Status, number>[] = [1, 2, 3, 4, 6];
const ratings: components["schemas"]["ListEntry"][] = [...words, ...numbers, null].map(
  (status, place) => ({ anime_id: place + 1, rating: place % 2 ? 9 : null, status }),
);

// An operation that the document has and this table has not is an error of types, and the other way round.
const calls: Record<keyof operations, () => Promise<{ data?: unknown; error?: components["schemas"]["Problem"] }>> = {
  findAnime: () => client.GET("/anime", { params: { query: { query: "cowboy", limit: 2, type: ["TV"] } } }),
  getAnime: () => client.GET("/anime/{anime_id}", { params: { path: { anime_id: 1 } } }),
  getMap: () => client.GET("/anime/map"),
  similarAnime: () => client.GET("/anime/{anime_id}/similar", { params: { path: { anime_id: 1 }, query: { order: "least" } } }),
  similarToSeveral: () => client.GET("/anime/similar", { params: { query: { like: [1, 4], unlike: [7], novelty: 0.5 } } }),
  similarUsers: () => client.GET("/users/{user_id}/similar", { params: { path: { user_id: 2 } } }),
  recommend: () => client.GET("/users/{user_id}/recommendations", { params: { path: { user_id: 2 }, query: { method: "neighbours" } } }),
  recommendToList: () => client.POST("/recommendations", { body: { ratings } }),
  similarUsersToList: () => client.POST("/users/similar", { body: { ratings } }),
  recommendToGroup: () => client.POST("/recommendations/group", { body: { lists: [{ name: "A", ratings }, { ratings }] } }),
  compareLists: () => client.POST("/users/compare", { body: { lists: [{ ratings }, { ratings }] } }),
  importList: () => {
    const form = new FormData();
    form.append("file", new Blob(["Cowboy Bebop, 9"]), "titles.txt");
    // The types have a file as a string, since JSON has no other.
    return client.POST("/import", { body: { file: "titles.txt" }, bodySerializer: () => form });
  },
  getModel: () => client.GET("/model"),
  isLive: () => client.GET("/health/live"),
  isReady: () => client.GET("/health/ready"),
  getMetrics: () => client.GET("/metrics", { parseAs: "text" }),
};

for (const [name, call] of Object.entries(calls)) {
  const { data, error } = await call();
  if (data === undefined) throw new Error(`${name}: ${error?.code}`);
  console.log(name);
}

const { data, error } = await client.GET("/anime/{anime_id}", { params: { path: { anime_id: 99999999 } } });
// The types know that one of the two is there, and what either holds; faults may be left out, and are never null.
const told: string = data ? data.data.name : error.code;
const faults: object[] | undefined = data ? [] : error.errors;
if (told !== "unknown_anime" || faults !== undefined) throw new Error(`expected unknown_anime, got ${told}, ${faults}`);
