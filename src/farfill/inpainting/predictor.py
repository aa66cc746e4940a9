"""A generator made ready to fill holes, and how it computes."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from farfill.generator.two_stage import Generator
from farfill.inpainting.backend import BACKENDS, SplitGenerator
from farfill.inpainting.detail import detailed
from farfill.inpainting.partial import Cost, multiplications, predict_cost, predict_windows
from farfill.inpainting.window import Window, cover
from farfill.types import Completion


class Predictor:
    """Predicts the missing part of one picture.

    The two-stage generator computes only what the hole needs, with the same values there; another
    generator, or a compiled one, the whole picture.

    Args:
        generator: ``(masked image, hole)`` to :class:`farfill.types.Completion`, in evaluation
            mode, for example of :func:`farfill.load_generator`. It is moved to ``device``.
        device: Where to compute.
        precision: ``"bf16"`` multiplies in bfloat16, which is faster where the machine has it;
            sums, softmax and the picture stay in float32.
        compile: Translate the generator with ``torch.compile`` first, which pays for many pictures
            of one size.
        backend: ``"torch"``, or a runtime of :mod:`farfill.inpainting.backend` for the
            convolutions, ``"openvino"`` or ``"onnx"``; they, too, take time once per size.
        detail: Put fine detail into the fill from where the attention borrowed, see
            :func:`farfill.inpainting.detail.add_detail`.

    Raises:
        ValueError: If an option is none of these, or the backend is not there or cannot do it.
    """

    def __init__(
        self,
        generator: nn.Module,
        device: str | torch.device = "cpu",
        precision: str = "float32",
        compile: bool = False,
        backend: str = "torch",
        detail: bool = False,
    ) -> None:
        if backend not in (names := ["torch", *BACKENDS]):
            raise ValueError(f"expected `backend` to be {' or '.join(names)}, got {backend!r}")
        if precision not in ("float32", "bf16"):
            raise ValueError(f"expected `precision` to be float32 or bf16, got {precision!r}")
        self.device = torch.device(device)
        self.precision = precision
        self.detail = detail
        # Convolutions of one picture are a third faster in this order.
        self.generator = generator.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.whole: Callable[[Tensor, Tensor], Completion] = self.generator
        if backend != "torch":
            if compile or self.device.type != "cpu":
                raise ValueError(f"backend={backend} goes with device=cpu and compile=false only")
            self.whole = SplitGenerator(self.generator, BACKENDS[backend](precision))
        elif compile:
            self.whole = torch.compile(self.generator)
        self.part: Generator | None = None
        if type(generator) is Generator and self.whole is self.generator:
            self.part = generator

    @property
    def cell(self) -> int:
        """See :func:`cell_of`."""
        return cell_of(self.generator)

    @torch.inference_mode()
    def __call__(self, known: np.ndarray, missing: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """Predict what is missing.

        Args:
            known: ``(H, W, 3)``, float32 in ``[-1, 1]``, 0 in the hole; sides are multiples of 8.
            missing: ``(H, W)``, bool.

        Returns:
            On the processor, the refined picture ``(3, H, W)``, float32, and offsets
            ``(1, 2, h, w)`` (see :class:`farfill.types.AttentionResult`) or ``None``; both are
            right at least where the picture is missing.

        Raises:
            ValueError: ``detail`` is asked of a generator that does not say where it borrows.
        """
        masked = torch.from_numpy(known).to(self.device).permute(2, 0, 1)[None]
        hole = torch.from_numpy(missing).to(self.device).float()[None, None]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            if self.part is None:
                completion = self.whole(masked, hole)
                refined, offsets = completion.refined, completion.offsets
            else:
                windows = _windows(self.part, missing)
                refined, offsets = predict_windows(self.part, masked, hole, windows)
        picture, places = refined[0].float().cpu(), None if offsets is None else offsets.cpu()
        if self.detail:
            completed = torch.where(hole[0].cpu() > 0, picture, masked[0].cpu())
            picture = detailed(completed[None], hole.cpu(), places, self.cell)[0]
        return picture, places

    def predict_cost(self, missing: np.ndarray) -> Cost | None:
        """Guess how long :meth:`__call__` takes and how much memory; ``None`` if it cannot say."""
        if self.part is None:
            return None
        return predict_cost(self.part, _windows(self.part, missing), missing.shape, self.device)


def cell_of(generator: nn.Module) -> int:
    """Side in pixels of a place of its attention's grid: of its features, 4, times its rate."""
    stage = getattr(generator, "refinement", None)
    return 4 * getattr(getattr(stage, "attention", None), "rate", 1)


def _windows(generator: Generator, missing: np.ndarray) -> list[Window]:
    return cover(missing, lambda window: multiplications(generator, window, missing.shape))
