"""Words that fit into one line of any terminal."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 2000  # characters; names from a damaged file may have any length


def counted(number: int, thing: str) -> str:
    """``1 critic step``, ``5 critic steps``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """``did you mean hinge?``, of the known names the nearest; ``otherwise`` if none is near."""
    near = get_close_matches(name, [*known], n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def one_line(words: object) -> str:
    """Fold white space, escape what cannot be printed, and leave out the middle of a long text.

    An error's class stands for an empty message.
    """
    text = " ".join(str(words).split()) or type(words).__name__
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"
