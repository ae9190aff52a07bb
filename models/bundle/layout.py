"""The arrays of a bundle: name, shape, dtype and meaning, in one table.

A dimension is a name (``n_anime``) that must have one value throughout the bundle, or a name with ``+1``
for offsets. Every array lies in ``<name>.npy``. Row i of every ``n_anime`` array belongs to ``anime_ids[i]``,
row i of every ``n_users`` array to ``user_ids[i]``.

New anime are those of the catalogue that too few lists held when the model was trained: row i of every ``n_new``
array belongs to ``new_anime_ids[i]``. Where rows of the whole catalogue are meant, theirs go on behind those of
``anime_ids``.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

FORMAT_VERSION: Final = 8
# What a user is called: in a bundle of texts "123" is one too. Longer texts are none.
UserId = int | str
MAX_USER_ID_LENGTH: Final = 200
# Sites with ids of their own, in the order of the columns behind the first of id_map.
Site = Literal["anilist", "kitsu", "anidb"]
SITES: Final[tuple[Site, ...]] = get_args(Site)

MANIFEST_FILE: Final = "manifest.json"
# In the format of `sha256sum`, so that anyone can check the manifest, which holds the sums of all other files.
MANIFEST_SUM_FILE: Final = "manifest.json.sha256"


@dataclass(frozen=True)
class ArraySpec:
    """One array of a bundle."""

    name: str
    dims: tuple[str, ...]
    dtype: str  # of numpy, or "str" for fixed-width unicode; "int64 or str" is either
    meaning: str  # of a row


LAYOUT: Final[tuple[ArraySpec, ...]] = (
    ArraySpec("anime_ids", ("n_anime",), "int64", "MyAnimeList ids, ascending"),
    ArraySpec("user_ids", ("n_users",), "int64 or str", "user ids of the dump, ascending; texts by code point"),
    ArraySpec("anime_embeddings", ("n_anime", "embedding_size"), "float32", "unit rows"),
    ArraySpec(
        "list_embeddings", ("n_anime", "embedding_size"), "float32", "what an anime adds to a user, before scaling"
    ),
    ArraySpec("anime_gains", ("n_anime",), "float32", "in (0, 1]: what a cosine to a user is worth"),
    ArraySpec("user_embeddings", ("n_users", "embedding_size"), "float32", "unit rows"),
    ArraySpec("user_index", ("n_index_bytes",), "uint8", "inverted file of faiss; empty: all users are compared"),
    ArraySpec("nearest_user_rows", ("n_users", "n_nearest"), "int32", "the most similar user rows, best first"),
    ArraySpec("nearest_similarities", ("n_users", "n_counted"), "float32", "cosines to the first few, descending"),
    ArraySpec("nearest_in_common", ("n_users", "n_counted"), "uint16", "anime both have seen, for the first few"),
    ArraySpec("list_offsets", ("n_users+1",), "int64", "list of user row u: [offsets[u], offsets[u + 1])"),
    ArraySpec("list_anime_rows", ("n_entries",), "int32", "anime rows, ascending within a list"),
    ArraySpec("list_ratings", ("n_entries",), "uint8", "1..10, 0 = unrated"),
    ArraySpec("list_statuses", ("n_entries",), "uint8", "watching status of the dump, see user_list.Status"),
    ArraySpec(
        "list_new_offsets", ("n_users+1",), "int64", "new anime that an update found on lists: as list_offsets"
    ),
    ArraySpec("list_new_rows", ("n_new_entries",), "int32", "rows of new_anime_ids, which only answers leave out"),
    ArraySpec("card_offsets", ("n_anime+1",), "int64", "card of anime row a: bytes [offsets[a], offsets[a + 1])"),
    ArraySpec("cards", ("n_card_bytes",), "uint8", "anime cards as UTF-8 JSON objects, back to back"),
    ArraySpec("type_names", ("n_types",), "str", "TV, Movie, ...; the name at 0 is empty: unknown"),
    ArraySpec("type_codes", ("n_anime",), "uint8", "index into type_names"),
    ArraySpec("genre_names", ("n_genres",), "str", "genres, sorted"),
    ArraySpec("anime_genres", ("n_anime", "n_genres"), "bool", "which genres an anime has"),
    ArraySpec("years", ("n_anime",), "int16", "year of the first airing, 0 = unknown"),
    ArraySpec("mean_scores", ("n_anime",), "float32", "the catalogue's mean score 1..10, 0 = unknown"),
    ArraySpec("members", ("n_anime",), "int32", "the catalogue's member count, 0 = unknown"),
    ArraySpec("adult", ("n_anime",), "bool", "age rating Rx or genre Hentai"),
    ArraySpec("start_days", ("n_anime",), "int32", "days from 1900-01-01 to the first airing, 0 = unknown"),
    ArraySpec("episodes", ("n_anime",), "int16", "number of episodes, 0 = unknown"),
    ArraySpec("minutes", ("n_anime",), "int16", "length of an episode, 0 = unknown"),
    ArraySpec("favorites", ("n_anime",), "int32", "members who name it a favourite, 0 = unknown"),
    ArraySpec("source_names", ("n_sources",), "str", "Manga, Original, ...; the name at 0 is empty: unknown"),
    ArraySpec("source_codes", ("n_anime",), "int16", "index into source_names"),
    ArraySpec("studio_names", ("n_studios",), "str", "studios; the name at 0 is empty: unknown"),
    ArraySpec("studio_codes", ("n_anime",), "int16", "index into studio_names: the first studio of an anime"),
    ArraySpec("age_rating_names", ("n_age_ratings",), "str", "age ratings; the name at 0 is empty: unknown"),
    ArraySpec("age_rating_codes", ("n_anime",), "int16", "index into age_rating_names"),
    ArraySpec("franchise_codes", ("n_anime",), "int32", "franchise, numbered by first row; a lone anime is one"),
    ArraySpec("franchise_positions", ("n_anime",), "int16", "place in the order to watch the franchise, from 0"),
    ArraySpec("franchise_roles", ("n_anime",), "uint8", "main line, side story or extra, see franchises.Role"),
    ArraySpec("similar_rows", ("n_anime", "n_similar"), "int32", "the most similar anime rows, best first"),
    ArraySpec("similar_scores", ("n_anime", "n_similar"), "float32", "their similarities in [0, 1], descending"),
    ArraySpec("cosine_rows", ("n_anime", "n_cosine"), "int32", "the nearest by the cosine of ratings, best first"),
    ArraySpec("cosine_scores", ("n_anime", "n_cosine"), "float32", "their cosines in [0, 1], descending; 0 is none"),
    ArraySpec("item_weight_rows", ("n_anime", "n_weights"), "int32", "the anime that support each anime"),
    ArraySpec("item_weight_values", ("n_anime", "n_weights"), "float32", "what each adds when it is on a list"),
    ArraySpec("co_seen_rows", ("n_anime", "n_co_seen"), "int32", "the anime seen more or less by who has seen each"),
    ArraySpec("co_seen_values", ("n_anime", "n_co_seen"), "float32", "by how much their share of users changes"),
    ArraySpec("reranker_scales", ("n_moments", "n_features"), "float32", "mean and deviation of each feature"),
    ArraySpec("reranker_first", ("n_networks", "n_features+1", "n_first"), "float32", "the last row is a bias"),
    ArraySpec("reranker_second", ("n_networks", "n_first+1", "n_second"), "float32", "the last row is a bias"),
    ArraySpec("reranker_last", ("n_networks", "n_second+1"), "float32", "the last number is a bias"),
    ArraySpec("popularity", ("n_anime",), "int32", "lists that hold it, plan-to-watch left out"),
    ArraySpec("map_positions", ("n_anime", "n_map_axes"), "float32", "x and y on the map in 0..1; no axes: no map"),
    ArraySpec("new_anime_ids", ("n_new",), "int64", "MyAnimeList ids, ascending, none of anime_ids"),
    ArraySpec("new_anime_embeddings", ("n_new", "embedding_size"), "float32", "unit rows, predicted from content"),
    ArraySpec("new_map_positions", ("n_new", "n_map_axes"), "float32", "as map_positions, beside similar anime"),
    ArraySpec("new_first_rows", ("n_new",), "int32", "row of the catalogue that its franchise is shown as"),
    ArraySpec("new_card_offsets", ("n_new+1",), "int64", "as card_offsets"),
    ArraySpec("new_cards", ("n_new_card_bytes",), "uint8", "as cards, with new: true"),
    ArraySpec("new_type_codes", ("n_new",), "uint8", "index into type_names"),
    ArraySpec("new_anime_genres", ("n_new", "n_genres"), "bool", "as anime_genres"),
    ArraySpec("new_years", ("n_new",), "int16", "as years"),
    ArraySpec("new_mean_scores", ("n_new",), "float32", "as mean_scores"),
    ArraySpec("new_members", ("n_new",), "int32", "as members"),
    ArraySpec("new_adult", ("n_new",), "bool", "as adult"),
    ArraySpec("synonym_ids", ("n_synonyms",), "int64", "MyAnimeList ids"),
    ArraySpec("synonyms", ("n_synonyms",), "str", "a further title of each, which the title search knows"),
    ArraySpec("id_map", ("n_mapped", "n_sites"), "int64", "MyAnimeList id, then the id on each of SITES; 0: none"),
)

FRANCHISE_ARRAYS: Final = ("franchise_codes", "franchise_positions", "franchise_roles")
# The arrays of models.scoring.items.ItemWeights and models.scoring.reranker.RerankingNetwork, in their order.
ITEM_ARRAYS: Final = ("item_weight_rows", "item_weight_values")
CO_SEEN_ARRAYS: Final = ("co_seen_rows", "co_seen_values")
RERANKER_ARRAYS: Final = ("reranker_scales", "reranker_first", "reranker_second", "reranker_last")
