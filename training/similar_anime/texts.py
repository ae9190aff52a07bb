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
# Synopses that two words must share, or it may be chance.
_MIN_TOGETHER: Final = 3

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
    # Shape: (n_anime, <= 100). Without names, in few dimensions: words with like company count as alike.
    topics: NDArray[np.float32]
    # TF-IDF of groups of three or four letters: sequels share most of them.
    titles: SparseRows


def read_texts(cards: list[AnimeCard], seed: int = 0) -> TextVectors:
    """Turn synopses and titles, one card per anime row, into vectors.

    References
    ----------
    Levy, Goldberg, "Neural Word Embedding as Implicit Matrix Factorization", NIPS 2014, for the topics.
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
    """Add up vectors of words, by which words are alike that are found beside the same others."""
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415 - takes a second to import

    information = _information(synopses)
    n_topics = min(N_TOPICS, information.shape[0] - 1)
    if n_topics < 1 or not information.nnz:
        return np.zeros((synopses.shape[0], 1), dtype=np.float32)
    left, strengths, _ = randomized_svd(information, n_topics, n_iter=3, random_state=seed)
    topics = synopses @ unit_or_zero(left * strengths)
    told = np.diff(synopses.indptr) > 0
    # What all synopses have in common makes none alike.
    topics[told] -= topics[told].mean(axis=0)
    return unit_or_zero(topics)


def _information(synopses: sp.csr_matrix) -> sp.csr_matrix:
    """Give the pointwise mutual information of words by synopsis: above 0, and where three synopses agree."""
    marks = sp.csr_matrix((np.ones(synopses.nnz), synopses.indices, synopses.indptr), shape=synopses.shape)
    found_in = np.asarray(marks.sum(axis=0)).ravel()
    both = sp.coo_matrix(marks.T @ marks)
    information = np.log(both.data * synopses.shape[0] / (found_in[both.row] * found_in[both.col]))
    kept = (both.data >= _MIN_TOGETHER) & (both.row != both.col) & (information > 0.0)
    places = (both.row[kept], both.col[kept])
    return sp.csr_matrix((information[kept].astype(np.float32), places), shape=both.shape)


def unit_or_zero(matrix: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Scale rows to length 1, but leave those of (almost) no length at 0."""
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.where(norms < 1e-6, 0.0, matrix / np.maximum(norms, 1e-6)).astype(np.float32)
    return unit
