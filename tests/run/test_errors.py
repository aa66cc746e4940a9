"""Bad input ends in one sentence, mistakes of ours in a traceback."""

from __future__ import annotations

import pytest

from farfill.run.errors import one_line_errors


def failing(error):
    @one_line_errors
    def fail():
        raise error

    return fail


@pytest.mark.parametrize("error", [ValueError("two\n  lines"), OSError("two lines")])
def test_bad_input_is_one_line_and_status_2(error, capsys):
    with pytest.raises(SystemExit) as stop:
        failing(error)()
    assert stop.value.code == 2
    assert capsys.readouterr().err == "farfill: two lines\n"


def test_an_empty_message_is_still_a_line(capsys):
    with pytest.raises(SystemExit):
        failing(ValueError())()
    assert capsys.readouterr().err == "farfill: ValueError\n"


def test_a_mistake_in_the_program_keeps_its_traceback():
    with pytest.raises(KeyError):
        failing(KeyError("x"))()


def test_the_traceback_can_be_had(monkeypatch):
    monkeypatch.setenv("FARFILL_TRACEBACK", "1")
    with pytest.raises(ValueError, match="why"):
        failing(ValueError("why"))()


def test_a_value_is_handed_through():
    assert one_line_errors(lambda x: x + 1)(1) == 2
