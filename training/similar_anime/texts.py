"""Vectors of the words of synopses and the letters of titles."""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from training.similar_anime.blocks import SparseRows

N_TOPICS: Final = 100

# Who wrote the synopsis is no evidence.
_BOILERPLATE: Final = re.compile(
    r"\((?:source|adapted|written)[^)]*\)|\[written by[^\]]*\]|\bsource:.*$", re.IGNORECASE | re.MULTILINE
)
# A capital inside a sentence begins a name: two synopses with a Yuki have nothing in common.
_NAME: Final = re.compile(r"(?<![.!?\"”]\s)(?<=\s)[A-Z][\w'’-]*")


@dataclass(frozen=True)
class TextVectors:
    """Unit rows, one per anime; a row of zeros where there is no text."""

    # TF-IDF of the words.
    synopses: SparseRows
    # Shape: (n_anime, <= 100). The same without names, in few dimensions: words that go together count as alike.
    topics: NDArray[np.float32]
    # TF-IDF of groups of three or four letters: sequels share most of them.
    titles: SparseRows


def read_texts(cards: list[AnimeCard], seed: int = 0) -> TextVectors:
    """Turn synopses and titles, one card per anime row, into vectors.

    References
    ----------
    Deerwester et al., "Indexing by Latent Semantic Analysis", JASIS 1990.
    """
    synopses = [_BOILERPLATE.sub(" ", card.synopsis or "") for card in cards]
    titles = [f"{card.name} {card.english_name or ''}" for card in cards]
    plain = _tf_idf([_NAME.sub(" ", synopsis) for synopsis in synopses], analyzer="word")
    return TextVectors(
        synopses=SparseRows.of(_tf_idf(synopses, analyzer="word")),
        topics=_topics(plain, seed),
        titles=SparseRows.of(_tf_idf(titles, analyzer="char_wb")),
    )


def _tf_idf(texts: list[str], analyzer: str) -> sp.csr_matrix:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - takes a second to import

    options: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, "analyzer": analyzer}
    if analyzer == "word":
        options |= {"stop_words": "english", "token_pattern": r"[a-z]{3,}", "max_df": 0.1, "min_df": 3}
    else:
        # What is in every twentieth title marks no sequel, and takes most of the work.
        options |= {"ngram_range": (3, 4), "max_df": 0.05, "min_df": 2}
    try:
        return sp.csr_matrix(TfidfVectorizer(**options).fit_transform(texts))
    except ValueError:  # no word is in enough texts and not in too many
        return sp.csr_matrix(np.zeros((len(texts), 1), dtype=np.float32))


def _topics(synopses: sp.csr_matrix, seed: int) -> NDArray[np.float32]:
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415 - takes a second to import

    n_topics = min(N_TOPICS, *(size - 1 for size in synopses.shape))
    if n_topics < 1 or not synopses.nnz:
        return np.zeros((synopses.shape[0], 1), dtype=np.float32)
    topics = TruncatedSVD(n_topics, random_state=seed, n_iter=3).fit_transform(synopses)
    norms = np.linalg.norm(topics, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (topics / np.where(norms < 1e-6, 1.0, norms)).astype(np.float32)
    unit[norms[:, 0] < 1e-6] = 0.0
    return unit
