"""A generator is saved with what it is made of, and comes back, from a disk or from the hub."""

import json
import re
from inspect import signature
from pathlib import Path
from typing import Any, Self

from torch import nn

import farfill
from farfill.files import atomic
from farfill.weights.file import pack
from farfill.weights.find import FILE, FOLDER, MODEL, find_weights


class Pretrained(nn.Module):
    """What huggingface_hub's ``ModelHubMixin`` gives a model, and for a generator the same.

    It is used when it is needed, and not inherited: its import takes half a second, its package
    (``pip install 'farfill[hub]'``) may be absent, and it would take any argument of a constructor.
    """

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, revision: str | None = None, **options: Any
    ) -> Self:
        """Get a generator with its weights, in evaluation mode.

        Args:
            name: See :func:`farfill.weights.find.find_weights`; on the hub also ``user/model``.
            revision: Branch, tag or commit on the hub; None: the newest.
            options: ``cache_dir``, ``force_download``, ``local_files_only`` and ``token``, as
                huggingface_hub has them.

        Raises:
            ValueError: There is none, it cannot be used, or it is of another class.
        """
        if re.fullmatch(MODEL, str(name), re.ASCII) and not Path(name).exists():
            name = f"hf://{name}"
        if revision is not None and str(name).startswith("hf:"):
            name = f"{name}@{revision}"
        # By its public name: whatever reads files lies above the networks.
        generator = farfill.load_generator(find_weights(name, **options))
        if not isinstance(generator, cls):
            raise ValueError(
                f"{name} holds a {type(generator).__name__}, not a {cls.__name__}: "
                "farfill.load_generator takes any"
            )
        return generator

    def save_pretrained(self, folder: str | Path, **options: Any) -> str | None:
        """Leave ``model.safetensors``, ``config.json`` and a model card in a folder.

        Weights are rounded to float16. A ``README.md`` that is there stays.

        Args:
            folder: Is made if it is not there.
            options: Of ``ModelHubMixin.save_pretrained``. ``model_card_kwargs`` fills in the card:
                ``license``, ``data``, ``training``, ``results``, ``limits``.

        Raises:
            ValueError: huggingface_hub is not installed, or a part or a weight cannot be saved.
        """
        return _published(self).save_pretrained(folder, **options)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Upload what :meth:`save_pretrained` leaves to ``user/model``; return its address.

        Options and errors are those of ``ModelHubMixin.push_to_hub`` and of
        :meth:`save_pretrained`.
        """
        return _published(self).push_to_hub(repo_id, **options)


def configuration(module: nn.Module) -> dict[str, Any]:
    """What builds a network anew: ``_target_`` and every argument of its constructor.

    Raises:
        ValueError: It is not a part of Farfill, or does not keep an argument under its name.
    """
    cls = type(module)
    config: dict[str, Any] = {"_target_": f"{cls.__module__}.{cls.__qualname__}"}
    try:
        if not cls.__module__.startswith("farfill."):
            raise AttributeError("it is not a part of Farfill")
        for name in signature(cls).parameters:
            value = getattr(module, name)
            config[name] = configuration(value) if isinstance(value, nn.Module) else value
    except AttributeError as error:
        raise ValueError(f"a {cls.__name__} cannot be saved: {error}") from error
    return config


def _published(generator: Pretrained) -> Any:
    """A generator in the hands of huggingface_hub, as its guide to integrations has it."""
    try:
        from huggingface_hub import ModelCard, ModelCardData, ModelHubMixin
    except ImportError as error:
        raise ValueError(
            "save_pretrained and push_to_hub need huggingface_hub: pip install 'farfill[hub]'"
        ) from error
    config = configuration(generator)
    packed = pack(config, generator.state_dict())  # before anything is written

    class Published(ModelHubMixin):
        def _save_pretrained(self, save_directory: Path) -> None:
            with atomic(save_directory / FILE) as part:
                part.write_bytes(packed)
            with atomic(save_directory / "config.json") as part:  # by which the hub counts
                part.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

        def generate_model_card(self, *, license: str | None = None, **parts: Any) -> ModelCard:
            about = ModelCardData(
                library_name="farfill",
                pipeline_tag="image-to-image",
                tags=["inpainting"],
                license=license,
            )
            return ModelCard.from_template(about, str(FOLDER / "card.md"), **parts)

    return Published()
