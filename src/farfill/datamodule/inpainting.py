"""The data of a run: pictures to learn from, pictures to measure on, and their holes."""

import atexit
import multiprocessing
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from lightning import LightningDataModule
from lightning.pytorch.trainer.states import TrainerStatus
from pydantic import ValidationError
from torch.utils.data import DataLoader

from farfill.data.check import check_sizes, unreadable
from farfill.data.listing import Fingerprint, names_of
from farfill.data.protocol import Source, Split, SyntheticSource
from farfill.datamodule.dataset import InpaintingDataset
from farfill.datamodule.stream import Draw, Stream
from farfill.image.read import read_rgb
from farfill.mask.protocol import HoleSampler
from farfill.types import Batch


@dataclass(kw_only=True, eq=False, repr=False)
class InpaintingData(LightningDataModule):
    """Makes the loaders; every sample depends on (seed, epoch, index) only.

    Attributes:
        source: Knows the picture files.
        holes: Draws the holes.
        val_holes: Draws those of validation; None = ``holes``.
        image_size: Side of the pictures in pixels.
        batch_size: Pictures per update of a network.
        val_batch_size: Pictures per batch of validation.
        val_limit: Measure on at most this many pictures, evenly spaced; None = on all.
        val_seed: Of the holes of validation, so that runs of other seeds are measured on the same.
        augment: Transforms of training pictures by name, done in this order before the crop: any
            of albumentations that take a picture alone.
        val_holes_per_picture: Validation goes over the pictures this many times, each time with
            other holes.
        workers: Processes that load pictures; 0 = the main one does.
        seed: Of every draw of training: order, crop, flip and hole.
        one_hole_per_batch: All pictures of an update share one hole, as in the paper.
        flip: Mirror training pictures left and right at random.
        critic_steps: Updates of the critics per generator step. A training batch has the pictures
            of all of them and of the generator's update, those of each side by side.
        accumulate: Batches of ``batch_size`` pictures per update.
    """

    source: Source
    holes: HoleSampler
    val_holes: HoleSampler | None
    image_size: int
    batch_size: int
    val_batch_size: int
    val_limit: int | None
    workers: int
    seed: int
    one_hole_per_batch: bool
    flip: bool
    critic_steps: int = 0
    accumulate: int = 1
    augment: Mapping[str, Callable[..., Any]] | None = None
    val_seed: int = 1
    val_holes_per_picture: int = 1
    train_set: InpaintingDataset = field(init=False)  # from `setup` on
    val_set: InpaintingDataset = field(init=False)

    def __post_init__(self) -> None:
        super().__init__()
        for name, holes in (("mask", self.holes), ("datamodule.val_holes", self.val_holes)):
            if not callable(holes) and (holes is not None or name == "mask"):
                raise ValueError(f"expected `{name}` to be the settings of a mask, got {holes!r}")
        self.batch_size *= self.accumulate
        self.updates = self.critic_steps + 1
        self.start = 0  # training steps that a run which goes on from a checkpoint has behind it
        self._before: Fingerprint | None = None  # of its pictures
        self._now: Fingerprint | None = None
        self._lines: list[str] = []
        self._skipped: list[str] = []

    def setup(self, stage: str | None = None) -> None:
        """Find the pictures and check them and the holes, once.

        With ``"validate"`` or ``"test"`` the training pictures may be missing.

        Raises:
            ValueError: There are no pictures, a picture is unreadable or smaller than the crop,
                or a hole finds no place; one sentence.
            FileNotFoundError: A folder, list or picture is missing; likewise.
        """
        if hasattr(self, "val_set"):
            return
        val_holes = self.val_holes or self.holes
        for holes in (self.holes, val_holes):
            holes.check(self.image_size, self.image_size)
        source = self.source
        fit = stage in (None, "fit")
        train, val = split = source.split(fit)
        names = names_of([*train, *val])
        if source.on_error != "raise":
            train, val = self._without_unreadable(split, names)
        if not train and fit:
            raise ValueError(f"no picture is left to train on, all {len(val)} are for validation")
        if not val:
            raise ValueError(
                f"no picture is left to validate on, all {len(train)} are for training: "
                "give data.val, data.val_list or data.val_fraction"
            )
        if fit:
            self._lines = self._list(Split(train, val), names)
            self._check_pictures()
            self._now = Fingerprint.of(self._lines, self._skipped)
        if self.val_limit is not None:
            count = min(self.val_limit, len(val))
            val = [val[i] for i in np.linspace(0, len(val) - 1, count).round().astype(int)]
        read: Callable[[Path], np.ndarray] = partial(read_rgb, max_pixels=source.max_file_pixels)
        sides = [train, val]
        if isinstance(source, SyntheticSource):
            read, sides = source.read, [[]]  # no headers to look at; the size is `resize`
        for paths in sides:
            check_sizes(paths, source.resize, self.image_size, source.max_file_pixels)
        dataset = partial(
            InpaintingDataset,
            image_size=self.image_size,
            resize=source.resize,
            shrink=source.shrink,
            flip=self.flip,
            augment=list((self.augment or {}).values()),
            cache=source.cache,
            read=read,
        )
        self.train_set = dataset(train, self.holes, train=True, seed=self.seed)
        # Pass by pass, not picture by picture: the first ones are different pictures, for who shows
        # or measures a few, and have the same holes however many passes there are.
        samples = val * self.val_holes_per_picture
        self.val_set = dataset(samples, val_holes, train=False, seed=self.val_seed)

    @property
    def val_clusters(self) -> list[str]:
        """What every sample of validation belongs to, in the order of ``val_set.paths``.

        Samples of one cluster are alike and no more than one witness: those of one picture or, by
        the source's rule, of one film. A picture that the rule does not fit stands for itself.
        """
        clusters = names_of(self.val_set.paths)
        if self.source.cluster is not None:
            for path, name in clusters.items():
                if match := re.search(self.source.cluster, name):
                    clusters[path] = match[0]
        return [clusters[path] for path in self.val_set.paths]

    def _without_unreadable(self, split: Split, names: dict[Path, str]) -> Iterator[list[Path]]:
        """Both sides without pictures that fail, or without those that the run skipped before."""
        if self._before is None:
            bad = unreadable([*split.train, *split.val], self.source.max_file_pixels)
            self._skipped = sorted(names[path] for path in bad)
        else:
            self._skipped = self._before.skipped
        skipped = set(self._skipped)
        return ([path for path in side if names[path] not in skipped] for side in split)

    def _list(self, split: Split, names: dict[Path, str]) -> list[str]:
        """A line per picture, by which a run knows its pictures again."""
        size = (lambda _: 0) if isinstance(self.source, SyntheticSource) else _bytes
        return [
            f"{names[path]} ({side}, {size(path)} bytes)"
            for side, paths in split._asdict().items()
            for path in paths
        ]

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches of ``updates * batch_size`` pictures in the stream's order, from its place on.

        With ``trainer.max_epochs`` an epoch of Lightning's is a pass over the pictures. Without,
        the whole run is one: to start each pass over a few pictures anew would take too long.
        """
        trainer = self.trainer
        steps = -(-len(self.train_set) // (self.batch_size * self.updates))
        if trainer is not None and trainer.max_steps > 0 and (trainer.max_epochs or -1) == -1:
            steps = trainer.max_steps
        stream = Stream(
            length=len(self.train_set),
            batch_size=self.batch_size,
            updates=self.updates,
            steps=steps,
            seed=self.seed,
            one_hole_per_batch=self.one_hole_per_batch,
            share=self._share(),
            start=self._place,
        )
        return self._loader(self.train_set, stream)

    def state_dict(self) -> dict[str, Any]:
        """The place in the stream, and the :class:`~farfill.data.listing.Fingerprint`."""
        return {"step": self._place(), "pictures": self._now and self._now.model_dump()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the pictures where the run was cut off; those it skipped are skipped again.

        Before :meth:`setup` or after it. A state without a fingerprint, of an older version, is
        taken as it is.

        Raises:
            ValueError: The pictures are not those of the run.
        """
        self.start = state_dict["step"]
        if (pictures := state_dict.get("pictures")) is not None:
            try:
                self._before = Fingerprint.model_validate(pictures)
            except ValidationError as error:
                raise ValueError("the checkpoint's record of the pictures is damaged") from error
        if self._lines:
            self._check_pictures()

    def _check_pictures(self) -> None:
        differing = None if self._before is None else self._before.difference(self._lines)
        if differing is not None:
            raise ValueError(
                f"the pictures are not those that the run was begun with ({differing}): put them "
                "back, or start another run from its weights with init_from=<its last.ckpt>"
            )

    def _place(self) -> int:
        """Training steps done; to overfit a few batches they have to be the same in every epoch."""
        if self.trainer is None:
            return self.start
        if cast(Any, self.trainer).overfit_batches:
            return 0
        return max(self.start, self.trainer.global_step)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Every sample of validation once, in order, each with the same hole every time.

        During training, each of several processes has a run of neighbours.
        """
        rank, processes = self._share()
        if processes > len(self.val_set):
            raise ValueError(
                f"{processes} processes share {len(self.val_set)} validation samples: give each "
                "at least one, or take fewer with trainer.devices"
            )
        first, end = (-(-len(self.val_set) * n // processes) for n in (rank, rank + 1))
        draws = [Draw(0, index, index) for index in range(first, end)]
        size = self.val_batch_size
        # As batches: a sampler of ours Lightning would replace, with trainer.overfit_batches.
        batches = [draws[start : start + size] for start in range(0, len(draws), size)]
        return self._loader(self.val_set, batches)

    def _share(self) -> tuple[int, int]:
        """Number of this process and how many there are; after training each is on its own."""
        trainer = self.trainer
        if trainer is None or trainer.state.status != TrainerStatus.RUNNING:
            return 0, 1
        return trainer.global_rank, trainer.world_size

    def _loader(self, dataset: InpaintingDataset, order: Any) -> DataLoader[Batch]:
        return DataLoader(
            dataset,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_start_worker,
            # A generator of its own: the global one must not depend on how often a loader starts.
            generator=torch.Generator().manual_seed(self.seed),
            batch_sampler=order,
        )


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1  # whoever reads it says what is wrong


def _start_worker(number: int) -> None:
    """One thread per worker; signals are for the main process to answer, whose end is theirs."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
        signal.signal(one, signal.SIG_IGN)


@atexit.register
def _end_workers() -> None:
    """End those of loaders that are still there; Python would by SIGTERM, and wait for ever."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # PyTorch's would complain of killed workers
    for process in multiprocessing.active_children():
        if process.daemon:
            process.kill()
