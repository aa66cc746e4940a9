"""Checkpoints appear whole; Lightning's own may come from another file system in pieces."""

import os
import shutil
import subprocess
import tempfile
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from farfill.module.trainer_parts import AtomicCheckpointIO, LostProcess, distributed_session


@pytest.mark.parametrize(
    ("kind", "beside"), [(TorchCheckpointIO, False), (AtomicCheckpointIO, True)]
)
def test_where_a_checkpoint_is_written_before_it_gets_its_name(kind, beside, tmp_path, monkeypatch):
    """A name can be given at once only within a file system, so only beside the file itself."""
    elsewhere = tmp_path / "other file system"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    moved = []
    for module, name in ((shutil, "move"), (os, "rename"), (os, "replace")):
        original = getattr(module, name)

        def spy(source, target, *rest, original=original):
            moved.append(os.fspath(source))
            return original(source, target, *rest)

        monkeypatch.setattr(module, name, spy)
    kind().save_checkpoint({"a": torch.ones(3)}, tmp_path / "run" / "last.ckpt")
    saved = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert torch.equal(saved["a"], torch.ones(3))
    if beside:
        assert not any(path.startswith(str(elsewhere)) for path in moved)
    else:
        assert any(path.startswith(str(elsewhere)) for path in moved)


def test_what_cannot_be_written_leaves_the_file_before(tmp_path):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"a": 1}, path)

    class Full:
        def __reduce__(self):
            raise OSError("No space left on device")

    with pytest.raises(OSError, match=r"could not be written .*what was there before is kept"):
        AtomicCheckpointIO().save_checkpoint({"a": Full()}, path)
    assert torch.load(path, weights_only=True) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_once_a_process_is_lost_nothing_kills_the_one_that_says_so(tmp_path):
    other = subprocess.Popen(["sleep", "60"])
    # Lightning watches this very list, and kills this process for any in it that has ended.
    watched = [other]
    launcher = SimpleNamespace(procs=watched, kill=lambda number: other.send_signal(number))
    trainer = SimpleNamespace(world_size=2, strategy=SimpleNamespace(launcher=launcher))
    with pytest.raises(LostProcess), distributed_session(trainer, tmp_path, batch_size=2):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")
    assert other.wait(10) == -15
    assert watched == []
