"""How much the quick suite tries."""

from importlib import import_module

from helpers.fuzz import promised


def test_the_quick_suite_tries_thousands_of_inputs():
    """Each test fails if it tries fewer than it promises; this adds up what all of them do."""
    for name in ("pictures", "masks", "lists", "configs", "checkpoints", "weights"):
        import_module(f"fuzz.test_{name}")
    tried = {name.rpartition(".")[2]: number for name, number in promised.items()}
    assert len(tried) >= 10
    assert sum(tried.values()) >= 4000
