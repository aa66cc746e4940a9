"""metrics.csv: whole rows, none twice, none lost."""

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from farfill.files import read_rows
from farfill.tracking.metrics_csv import ResumableCSVLogger

TRAIN, VAL = {"train/a": 0.1, "epoch": 0}, {"val/b": 1e-07, "epoch": 0}


def rows(steps):
    """In a run's order: learning rate before a step, training, and validation every second step."""
    for step in steps:
        yield {"lr-Adam": 0.9**step}, step - 1
        yield {**TRAIN, "train/a": step / 3}, step
        if step % 2 == 0:
            yield {**VAL, "val/b": step / 7}, step


def log(logger, logged):
    for metrics, step in logged:
        logger.log_metrics(metrics, step)


@pytest.fixture
def uncut(tmp_path):
    log(ResumableCSVLogger(tmp_path / "uncut"), rows(range(1, 7)))
    return (tmp_path / "uncut" / "metrics.csv").read_bytes()


def test_the_stock_csv_logger_loses_rows_of_the_run_that_it_goes_on_with(tmp_path):
    """Why there is a logger of our own."""
    for done in (0, 3):
        logger = CSVLogger(tmp_path, name="", version="", flush_logs_every_n_steps=1)
        log(logger, rows(range(done + 1, done + 4)))
    assert {row["step"] for row in read_rows(tmp_path / "metrics.csv")} == {"3", "4", "5", "6"}


def test_the_file_is_what_the_stock_csv_logger_writes(tmp_path, uncut):
    logger = CSVLogger(tmp_path, name="", version="", flush_logs_every_n_steps=1)
    log(logger, rows(range(1, 7)))
    assert (tmp_path / "metrics.csv").read_bytes() == uncut
    assert uncut.startswith(
        b"epoch,lr-Adam,step,train/a,val/b\r\n"
        b",0.9,0,,\r\n"
        b"0,,1,0.3333333333333333,\r\n"
        b",0.81,1,,\r\n"
        b"0,,2,0.6666666666666666,\r\n"
        b"0,,2,,0.2857142857142857\r\n"
    )


def test_numbers_are_written_as_python_writes_them(tmp_path):
    values = {"a": torch.tensor(0.5), "b": float("nan"), "c": float("-inf"), "d": 1e-07}
    ResumableCSVLogger(tmp_path).log_metrics(values, 3)
    assert (tmp_path / "metrics.csv").read_bytes() == b"a,b,c,d,step\r\n0.5,nan,-inf,1e-07,3\r\n"


#: What a checkpoint has behind it -> how many rows are logged by then.
CHECKPOINTS = {
    "nothing": 0,
    "a step": len(list(rows((1, 2, 3)))),
    "a step before its validation": len(list(rows((1, 2, 3, 4)))) - 1,
    "a validation": len(list(rows((1, 2, 3, 4)))),
}


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_run_that_goes_on_leaves_the_file_of_one_never_cut_off(tmp_path, uncut, checkpoint):
    """Cut off after any row that is not before the checkpoint, and with half a row more."""
    whole, behind = list(rows(range(1, 7))), CHECKPOINTS[checkpoint]
    for cut in range(behind, len(whole) + 1):
        folder = tmp_path / str(cut)
        log(ResumableCSVLogger(folder), whole[:cut])
        if cut:
            with (folder / "metrics.csv").open("a", newline="") as file:
                file.write("0,6,0.12")
        log(ResumableCSVLogger(folder), whole[behind:])
        assert (folder / "metrics.csv").read_bytes() == uncut, cut


def test_a_row_is_known_by_one_of_its_metrics(tmp_path):
    """The first step after a resume may know less, such as how long a step takes."""
    log(ResumableCSVLogger(tmp_path), [({**TRAIN, "train/time": 0.2}, step) for step in (1, 2, 3)])
    log(ResumableCSVLogger(tmp_path), [(TRAIN, 2), ({**TRAIN, "train/time": 0.3}, 3)])
    found = [(row["step"], row["train/time"]) for row in read_rows(tmp_path / "metrics.csv")]
    assert found == [("1", "0.2"), ("2", ""), ("3", "0.3")]


def test_rows_between_two_logged_steps_stay(tmp_path):
    """A run that logs more rarely than the one before repeats nothing but its own rows."""
    for steps in ((1, 3, 5), (5, 7)):
        log(ResumableCSVLogger(tmp_path), [(TRAIN, step) for step in steps])
    assert [row["step"] for row in read_rows(tmp_path / "metrics.csv")] == ["1", "3", "5", "7"]


def test_without_a_step_nothing_is_dropped(tmp_path):
    log(ResumableCSVLogger(tmp_path), rows((1, 2)))
    logger = ResumableCSVLogger(tmp_path)
    log(logger, [({"other": 1.0}, None)])
    assert len(read_rows(tmp_path / "metrics.csv")) == len(list(rows((1, 2)))) + 1
    assert not read_rows(tmp_path / "none.csv")


def test_a_disk_that_is_full_leaves_the_whole_file(tmp_path, monkeypatch):
    logger = ResumableCSVLogger(tmp_path)
    log(logger, rows((1,)))
    before = (tmp_path / "metrics.csv").read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        log(logger, [(VAL, 2)])
    assert (tmp_path / "metrics.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data.replace(b"0.5", b"0\0005", 1).replace(b"0.2857", b"0\000", 1),
        lambda data: data[data.index(b"\n") + 1 :],
        lambda data: data.replace(b"step", b"stop", 1),
        lambda data: data.replace(b"0.2857142857142857", b"much", 1),
        lambda data: data.replace(b"0,,2,,", b"0,,2,,,", 1),
        lambda data: data.replace(b"0,,2,,", b"0,,2\xff,,", 1),
    ],
    ids=["NUL", "no header", "no step", "a word", "a cell more", "no text"],
)
def test_a_damaged_file_is_named_before_the_run_goes_on_and_stays(tmp_path, uncut, harm):
    path = tmp_path / "metrics.csv"
    path.write_bytes(harm(uncut))
    assert path.read_bytes() != uncut
    with pytest.raises(ValueError, match=r"metrics\.csv is damaged \(.*move it away") as error:
        ResumableCSVLogger(tmp_path)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == harm(uncut)


def test_a_row_for_which_there_is_no_room_names_the_file(tmp_path):
    logger = ResumableCSVLogger(tmp_path)
    log(logger, rows((1,)))
    (tmp_path / "metrics.csv").unlink()
    (tmp_path / "metrics.csv").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"metrics\.csv could not be written .No space"):
        log(logger, [(TRAIN, 2)])
