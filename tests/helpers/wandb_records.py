"""Read back what wandb wrote offline.

A ``.wandb`` file is a header of 7 bytes, then blocks of 32 KiB with LevelDB's log records: 4 bytes
of checksum, 2 of length (little-endian), 1 of kind (1 whole, 2 first, 3 middle, 4 last part), data.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record, RunRecord

BLOCK, HEADER = 32768, 7


def records(folder: Path, patience: float = 20) -> list[Record]:
    """All records of the one finished offline run below ``folder``.

    Offline, wandb's own process may write the last ones after ``finish`` has returned, so the exit
    is waited for: ``patience`` seconds at most.
    """
    (path,) = folder.rglob("*.wandb")
    end = time.monotonic() + patience
    while True:
        found = [_parse(data) for data in _chunks(path.read_bytes())]
        if any(r.WhichOneof("record_type") == "exit" for r in found) or time.monotonic() > end:
            return found
        time.sleep(0.05)


def history(folder: Path) -> list[dict[str, Any]]:
    """The logged rows: metric name -> value."""
    return [
        {"/".join(item.nested_key) or item.key: json.loads(item.value_json)
         for item in record.history.item}
        for record in records(folder)
        if record.WhichOneof("record_type") == "history"
    ]  # fmt: skip


def summary(folder: Path) -> dict[str, Any]:
    """What the run's summary holds at its end."""
    found: dict[str, Any] = {}
    for record in records(folder):
        if record.WhichOneof("record_type") == "summary":
            for item in record.summary.update:
                found["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
    return found


def started(folder: Path) -> RunRecord:
    """How the run introduced itself: name, group, job type, tags."""
    (run,) = (r.run for r in records(folder) if r.WhichOneof("record_type") == "run")
    return run


def _parse(data: bytes) -> Record:
    record = Record()
    record.ParseFromString(data)
    return record


def _chunks(content: bytes) -> Iterator[bytes]:
    position, whole = HEADER, b""
    while position + HEADER <= len(content):
        if BLOCK - position % BLOCK < HEADER:  # too little room for a record: padding
            position += BLOCK - position % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", content, position + 4)
        position += HEADER
        if position + length > len(content):  # not written to its end yet
            return
        whole += content[position : position + length]
        position += length
        if kind in (1, 4):
            yield whole
            whole = b""
