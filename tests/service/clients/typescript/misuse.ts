// Every line marked as refused must be an error of types, and no other line.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const client = createClient<paths>({ baseUrl: "" });

await client.GET("/anime/{anime_id}", {
  params: { path: { anime_id: "one" } }, // refused
});
await client.GET("/anime", {
  params: { query: { limit: "five" } }, // refused
});
await client.GET("/anime", {
  params: { query: { limits: 5 } }, // refused
});
await client.GET("/anime/{anime_id}/similar", {
  params: { path: { anime_id: 1 }, query: { order: "best" } }, // refused
});
await client.GET("/users/{user_id}/recommendations"); // refused
await client.GET("/recommendations"); // refused
await client.POST("/recommendations", {}); // refused
await client.POST("/recommendations", { body: { ratings: [{ anime_id: 1, status: "seen" }] } }); // refused
await client.POST("/users/similar", { body: { ratings: [{ anime_id: 1, status: 5 }] } }); // refused
await client.POST("/users/similar", { body: { ratings: [{ anime_id: 1, status: true }] } }); // refused
await client.POST("/users/similar", { body: { ratings: [{ rating: 9 }] } }); // refused
await client.POST("/users/similar", { body: { ratings: [{ anime_id: 1, status: 6 }, { anime_id: 2, status: null }] } });

const { data, error } = await client.GET("/model");
if (data) {
  data.sizes.n_anime.toFixed();
  data.sizes.n_films.toFixed(); // refused
} else {
  error.code.trim();
  error.message.trim(); // refused
  error.hint.trim(); // refused
}
