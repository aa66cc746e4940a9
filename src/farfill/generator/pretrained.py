"""What loads a generator by name, and saves it for others."""

from pathlib import Path
from typing import Any, Self

from torch import nn

import farfill


class Pretrained(nn.Module):
    """A generator that goes to a folder or to the hub, and comes back from there.

    It keeps every argument of its constructor under the argument's name. What reads and writes
    files lies above the networks, and is called here by its public name.
    """

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> Self:
        """Get a generator with its weights, in evaluation mode.

        Args:
            name: As of :func:`farfill.checkpoint.load_generator`; on the hub also ``user/model``.
            options: ``revision``, ``cache_dir``, ``force_download``, ``local_files_only`` and
                ``token``, as huggingface_hub has them.

        Raises:
            ValueError: There is none, it cannot be used, or it is of another class.
        """
        generator = farfill.load_generator(name, **{"revision": None, **options})
        if not isinstance(generator, cls):
            raise ValueError(
                f"{name} holds a {type(generator).__name__}, not a {cls.__name__}: "
                "farfill.load_generator takes any"
            )
        return generator

    def save_pretrained(self, folder: str | Path, **options: Any) -> str | None:
        """Leave weights, configuration and a model card in ``folder``.

        Options and errors are in :func:`~farfill.weights.publish.published`.
        """
        return farfill.published(self).save_pretrained(folder, **options)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Upload what :meth:`save_pretrained` leaves to ``user/model``, and return its address."""
        return farfill.published(self).push_to_hub(repo_id, **options)
