"""A generator as a model of huggingface_hub: in a folder or on the hub, with what it is made of."""

import json
from inspect import signature
from pathlib import Path
from typing import Any

from torch import nn

from farfill.files import atomic
from farfill.weights.file import pack
from farfill.weights.find import FILE, FOLDER


def published(generator: nn.Module) -> Any:
    """A generator, as it is now, in the hands of huggingface_hub's ``ModelHubMixin``.

    No network inherits from that: its import takes half a second, its package may be absent, and it
    would let constructors take any argument.

    Returns:
        What has ``save_pretrained(folder)``, which leaves ``model.safetensors`` in float16,
        ``config.json`` and a model card, and ``push_to_hub("user/model")``, which uploads the same.
        Of their options ``model_card_kwargs`` fills in the card: ``name``, ``license``, ``data``,
        ``training``, ``results``, ``limits``. A ``README.md`` that is there stays.

    Raises:
        ValueError: huggingface_hub is not installed, or a part or a weight cannot be saved.
    """
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

        def generate_model_card(self, **parts: Any) -> ModelCard:
            about = ModelCardData(
                library_name="farfill",
                pipeline_tag="image-to-image",
                tags=["inpainting"],
                license=parts.get("license"),
            )
            return ModelCard.from_template(about, str(FOLDER / "card.md"), **parts)

    return Published()


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
