"""Title search: prefix and typo tolerant, in any of an anime's names.

Two steps: an index of letter pairs finds the names that share enough of them with the query, then each of those
is compared properly. 17,562 anime with three names each take about a millisecond. Beside that, rules know spellings
of one title (:mod:`service.recommending.title_forms`), years, and initials.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from models.scoring.ranking import Cut, RankedPage, rank
from service.recommending.title_forms import (
    find_compounds,
    fold_case_and_width,
    form_of,
    initials_of,
    normalise_title,
    split_year,
    without_kind,
)
from service.recommending.title_index import HashIndex, PairIndex

# What a name is worth to a query. Popularity decides between equals, so the steps are few.
EXACT: Final = 1.0
EXACT_LETTERS: Final = 0.98
# The title and the year, of which one alone would not do.
OF_YEAR: Final = 0.97
# Spelt otherwise: numbers, long vowels.
SAME_FORM: Final = 0.96
INITIALS: Final = 0.93
# The beginning, in whole words. A match that is worth this or more is sure.
WHOLE_WORDS: Final = 0.9
SURE: Final = WHOLE_WORDS
PREFIX: Final = 0.85
WORD_PREFIXES: Final = 0.8
SUBSTRING: Final = 0.7
# A fuzzy match is worth its similarity times this; below the least similarity it is none.
FUZZY: Final = 0.7
LEAST_SIMILARITY: Final = 0.72

# How many times as well known the best of several must be to be sure.
INITIALS_MARGIN: Final = 3.5
BEGINNING_MARGIN: Final = 1.25
MIN_BEGINNING: Final = 4
# Only what many know is abbreviated: among all others some title has any three initials.
N_FAMOUS: Final = 2_000
MIN_INITIALS: Final = 3
MAX_INITIALS: Final = 12

# Names that share fewer of the query's letter pairs are not looked at: a typo breaks two pairs.
LEAST_SHARED: Final = 0.4
MAX_FUZZY_NAMES: Final = 300


class TitleMatch(NamedTuple):
    """An anime that was found by a title."""

    row: int
    relevance: float


class TitleSearch:
    """Finds anime by their titles: the names of each anime row, the main one first.

    ``popularity`` orders equals. ``years`` are those of the first airing, 0 where it is unknown; without them no
    title is told by its year. ``known_by`` says how many know each anime, by default its popularity: of two that a
    query may mean, the far better known is meant.
    """

    def __init__(
        self,
        titles: Sequence[Sequence[str]],
        popularity: NDArray[np.integer],
        years: NDArray[np.integer] | None = None,
        known_by: NDArray[np.integer] | None = None,
    ) -> None:
        # Most popular first; then a rank is also the tie-break, and a plain sort does the rest.
        order = np.argsort(-popularity.astype(np.int64), kind="stable")
        self._order = np.empty(len(order), dtype=np.int64)
        self._order[order] = np.arange(len(order))
        self._rows_by_popularity = order
        self._known_by = popularity if known_by is None else known_by
        famous = np.partition(self._known_by, -N_FAMOUS)[-N_FAMOUS] if len(order) > N_FAMOUS else 0
        self._is_famous = self._known_by >= max(famous, 1)
        self._years = np.zeros(len(titles), dtype=np.int16) if years is None else years
        self._titles = [name for names in titles for name in names]
        self._names = [normalise_title(name) for name in self._titles]
        self._name_rows = np.repeat(np.arange(len(titles), dtype=np.int32), [len(names) for names in titles])
        self._index = PairIndex([name.replace(" ", "") for name in self._names])
        self._index_forms()

    def _index_forms(self) -> None:
        """Index names by their forms and initials, with what tells them from others of the name and without."""
        forms = [(form_of(name), number) for number, name in enumerate(self._names)]
        for number, title in enumerate(self._titles):
            bare = without_kind(title)
            if bare != title:
                forms.append((form_of(normalise_title(bare)), number))
        self._forms = HashIndex(forms)
        compounds = find_compounds(self._names)
        pairs = {
            (letters, int(self._name_rows[number]))
            for form, number in forms
            for letters in initials_of(self._titles[number], self._names[number], form, compounds)
            if len(letters) >= MIN_INITIALS
        }
        self._initials = HashIndex(pairs)

    def most_popular(self, allowed: NDArray[np.bool_], offset: int, limit: int) -> RankedPage:
        """List every allowed anime, the most popular first. Scores are empty: nothing was compared."""
        rows = self._rows_by_popularity[allowed[self._rows_by_popularity]]
        shown = rows[offset : offset + limit].tolist()
        return RankedPage(shown, [], offset, limit, len(rows), shown)

    def page(self, query: str, allowed: NDArray[np.bool_], offset: int, limit: int) -> RankedPage:
        """Rank the allowed anime whose names match a query, which is not blank; popularity decides between equals."""
        relevance = self._relevance(query, allowed, None)
        # Ranked in order of popularity, where ties go to the lower position.
        ordered = relevance[self._rows_by_popularity]
        page = rank(ordered, ordered > 0.0, Cut(offset, limit))
        rows = self._rows_by_popularity[page.rows].tolist()
        return RankedPage(rows, page.scores, offset, limit, page.total, rows)

    def best(self, query: str, year: int | None = None) -> TitleMatch | None:
        """Find the anime that a title means, of all; ``year`` where the list says when it was aired."""
        relevance = self._relevance(query, np.ones(len(self._order), dtype=bool), year)
        ordered = relevance[self._rows_by_popularity]
        place = int(ordered.argmax()) if len(ordered) else 0
        if not len(ordered) or not ordered[place]:
            return None
        # As answers write it: in float32 .9 is less than .9.
        return TitleMatch(int(self._rows_by_popularity[place]), round(float(ordered[place]), 6))

    def best_by_rule(self, query: str, year: int | None = None) -> TitleMatch | None:
        """Find it among names that are spelt alike, which takes microseconds."""
        found = self._by_rules(query, year)
        if not found:
            return None
        return max(
            (TitleMatch(*one) for one in found.items()), key=lambda one: (one.relevance, -self._order[one.row])
        )

    def _relevance(self, query: str, allowed: NDArray[np.bool_], year: int | None) -> NDArray[np.float32]:
        relevance = np.zeros(len(allowed), dtype=np.float32)
        asked = _Asked(query)
        if not asked.letters:
            return relevance
        shared = self._index.share_of_pairs(asked.letters)
        shared[~allowed[self._name_rows]] = 0.0
        for name in self._candidates(shared).tolist():
            row = self._name_rows[name]
            relevance[row] = max(relevance[row], asked.compare(self._names[name], self._titles[name]))
        self._doubt_beginnings(relevance, asked.letters)
        self._add_initials(relevance, form_of(asked.words).replace(" ", ""), allowed)
        by_rules = self._by_rules(query, year)
        if year:
            # The rules know which year's it is; what else is spelt so is another.
            relevance = np.minimum(relevance, np.float32(PREFIX))
        for row, worth in by_rules.items():
            if allowed[row]:
                relevance[row] = max(relevance[row], worth)
        return relevance

    def _by_rules(self, query: str, year: int | None) -> dict[int, float]:
        """Find the rows that have a name of the query's form, and what each is worth."""
        asked = _Asked(query)
        found: dict[int, float] = {}
        if not asked.letters:
            return found
        for name in self._forms.find(form_of(asked.words)):
            row = int(self._name_rows[name])
            worth = max(asked.compare(self._names[name], self._titles[name]), SAME_FORM)
            found[row] = max(found.get(row, 0.0), worth)
        rest, typed_year = split_year(query)
        year = year or typed_year
        if year:
            names = self._forms.find(form_of(normalise_title(rest)))
            of_year = {int(row) for row in self._name_rows[list(names)] if self._years[row] == year}
            # Whose own name has the year is exact already; then others of the year are others.
            if typed_year is None:
                found = {row: worth for row, worth in found.items() if row in of_year}
            found |= {row: OF_YEAR for row in of_year if row not in found}
        return found

    def _add_initials(self, relevance: NDArray[np.float32], letters: str, allowed: NDArray[np.bool_]) -> None:
        """Add the anime that people abbreviate to the query, sure if one of them is far better known."""
        if not MIN_INITIALS <= len(letters) <= MAX_INITIALS:
            return
        rows = np.array([row for row in self._initials.find(letters) if allowed[row]], dtype=np.int64)
        if not len(rows):
            return
        # Against titles that begin with these letters, too: "nar" is Naruto rather than somebody's initials.
        beginning = int(self._known_by[relevance >= PREFIX].max(initial=0))
        known = self._known_by[rows]
        first = int(known.argmax())
        second = int(np.delete(known, first).max(initial=0))
        relevance[rows] = np.maximum(relevance[rows], WORD_PREFIXES)
        if self._is_famous[rows[first]] and known[first] >= max(INITIALS_MARGIN * second, beginning):
            relevance[rows[first]] = max(relevance[rows[first]], INITIALS)

    def _doubt_beginnings(self, relevance: NDArray[np.float32], letters: str) -> None:
        """Take certainty from titles that begin with the query, unless one of them is better known than the next."""
        rows = np.flatnonzero(relevance == np.float32(WHOLE_WORDS))
        if not len(rows):
            return
        known = self._known_by[rows]
        first = int(known.argmax())
        second = int(np.delete(known, first).max(initial=0))
        is_sure = (
            len(letters) >= MIN_BEGINNING
            and self._is_famous[rows[first]]
            and known[first] >= BEGINNING_MARGIN * second
        )
        relevance[rows] = PREFIX
        if is_sure:
            relevance[rows[first]] = WHOLE_WORDS

    def _candidates(self, shared: NDArray[np.float32]) -> NDArray[np.int64]:
        """Take every name that has all pairs, and the best of those that have some."""
        complete = np.flatnonzero(shared >= 1.0)
        partial = np.flatnonzero((shared >= LEAST_SHARED) & (shared < 1.0))
        if len(partial) > MAX_FUZZY_NAMES:
            keys = np.lexsort((self._order[self._name_rows[partial]], -shared[partial]))
            partial = partial[keys[:MAX_FUZZY_NAMES]]
        return np.concatenate((complete, partial))


class _Asked:
    """A query, in the forms in which names are compared with it."""

    def __init__(self, query: str) -> None:
        self._typed = fold_case_and_width(query)
        self.words = normalise_title(query)
        # Without spaces, "full metal" finds "fullmetal".
        self.letters = self.words.replace(" ", "")
        self._beginnings = [f" {word}" for word in self.words.split()]

    def compare(self, name: str, title: str) -> float:
        """Give what a name is worth; ``title`` is the name as it is written."""
        letters = name.replace(" ", "")
        if letters == self.letters:
            return EXACT if fold_case_and_width(title) == self._typed else EXACT_LETTERS
        if letters.startswith(self.letters):
            return WHOLE_WORDS if f"{name} ".startswith(f"{self.words} ") else PREFIX
        words = f" {name}"
        if all(beginning in words for beginning in self._beginnings):
            return WORD_PREFIXES
        if self.letters in letters:
            return SUBSTRING
        # Against the whole name, and against as much of it as was typed: "shingeki no kyoji" is a beginning.
        whole = fuzz.ratio(self.letters, letters)
        beginning = fuzz.ratio(self.letters, letters[: len(self.letters)])
        reordered = fuzz.token_sort_ratio(self.words, name)
        similarity = max(whole, beginning, reordered) / 100.0
        return FUZZY * similarity if similarity >= LEAST_SIMILARITY else 0.0
