"""The table of mutants keeps up with the code."""

from tests.mutants.__main__ import ROOT, TABLE, read_mutants


def test_every_mutant_can_be_made_and_names_tests_that_exist() -> None:
    mutants = read_mutants(TABLE)
    assert len(mutants) >= 60
    assert all(mutant.old != mutant.new for mutant in mutants)
    assert [test for mutant in mutants for test in mutant.tests if not (ROOT / test).exists()] == []
