"""Words that fit into one line of any terminal."""

from __future__ import annotations


def one_line(words: object) -> str:
    """Fold white space, and escape what cannot be printed, such as bytes that are no letters.

    Args:
        words: A text, or an error, whose class stands for an empty message.
    """
    text = " ".join(str(words).split()) or type(words).__name__
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
