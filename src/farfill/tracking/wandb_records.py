"""Read back what wandb wrote offline.

A ``.wandb`` file is a header of 7 bytes, then blocks of 32 KiB with LevelDB's log records: 4 bytes
of checksum, 2 of length (little-endian), 1 of kind (1 whole, 2 first, 3 middle, 4 last part), data.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

BLOCK, HEADER = 32768, 7


def read_records(path: Path) -> list[Record]:
    """All whole records of a ``.wandb`` file; a process that was killed may leave half a one."""
    return [_parse(data) for data in _chunks(path.read_bytes())]


def history_of(records: list[Record]) -> list[dict[str, Any]]:
    """The logged rows among records: metric name -> value."""
    return [
        {"/".join(item.nested_key) or item.key: json.loads(item.value_json)
         for item in record.history.item}
        for record in records
        if record.WhichOneof("record_type") == "history"
    ]  # fmt: skip


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
        if kind not in (1, 2, 3, 4) or position + length > len(content):
            return  # not written to its end
        whole += content[position : position + length]
        position += length
        if kind in (1, 4):
            yield whole
            whole = b""
