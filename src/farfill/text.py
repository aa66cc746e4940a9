"""Words that fit into one line of any terminal."""

_LONGEST = 2000  # characters; names from a damaged file may have any length


def counted(number: int, thing: str) -> str:
    """``1 critic step``, ``5 critic steps``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def one_line(words: object) -> str:
    """Fold white space, escape what cannot be printed, and leave out the middle of a long text.

    An error's class stands for an empty message.
    """
    text = " ".join(str(words).split()) or type(words).__name__
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"
