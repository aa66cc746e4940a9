"""Bad input ends in one sentence, mistakes of ours in a traceback."""

import io
import subprocess
import sys
import warnings

import pytest
from hydra.utils import instantiate

from farfill.errors import one_line_errors
from farfill.text import one_line


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


def test_only_what_nobody_can_act_on_is_left_unsaid():
    with warnings.catch_warnings(record=True) as heard:
        one_line_errors(lambda: None)()
        warnings.warn("`isinstance(treespec, LeafSpec)` is deprecated", stacklevel=1)
        warnings.warn("the learning rate is huge", stacklevel=1)
    assert [str(one.message) for one in heard] == ["the learning rate is huge"]


def test_a_value_is_handed_through():
    assert one_line_errors(lambda x: x + 1)(1) == 2


def test_options_that_a_part_does_not_take_are_one_line(capsys):
    with pytest.raises(SystemExit):
        one_line_errors(instantiate)({"_target_": "farfill.mask.box.Box", "foo": 1})
    error = capsys.readouterr().err
    assert error.startswith("farfill: Error in call to target 'farfill.mask.box.Box'")
    assert "'foo'" in error
    assert error.count("\n") == 1


def test_a_name_that_is_no_text_can_be_printed(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", out)
    one_line_errors(print)("\udcff.png")
    out.flush()
    assert out.buffer.getvalue() == b"\\udcff.png\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("a\n b\t\x0bc ", "a b c"),
        ("\udcff\x1b[31mé", "\\udcff\\x1b[31mé"),
        (ValueError(""), "ValueError"),
        ("x" * 3000, f"{'x' * 1000} ... {'x' * 1000}"),
    ],
)
def test_words_for_one_line_of_a_terminal(words, line):
    assert one_line(words) == line


def test_a_reader_that_has_enough_ends_a_command_without_a_word():
    code = (
        "from farfill.errors import one_line_errors\n"
        "one_line_errors(lambda: [print('y' * 100) for _ in range(100_000)])()"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout.readline() == "y" * 100 + "\n"
    command.stdout.close()
    assert command.stderr.read() == ""
    assert command.wait(60) == 141
