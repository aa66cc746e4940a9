"""The paper's generator: a coarse network, then a refinement network with two encoder branches."""

import torch
from torch import Tensor, nn

from farfill.attention.contextual import ContextualAttention
from farfill.attention.none import NoAttention
from farfill.attention.protocol import Attention
from farfill.generator.pretrained import Pretrained
from farfill.layer.convolution import DoublingConv2d, SameConv2d
from farfill.op.spatial import resize_nearest
from farfill.types import Batch, Completion


class Generator(Pretrained):
    """Coarse-to-fine generator of the paper (figure 2) as the authors' code has it.

    3,601,542 parameters with ``channels=32`` and contextual attention. No gradient is stopped
    between the stages.

    Args:
        channels: Width of the first layer (an even number; the paper's 32).
        attention: Layer of the refinement's attention branch; default: contextual attention.
            :class:`~farfill.attention.none.NoAttention` leaves the branch out.

    Raises:
        ValueError: If ``channels`` is not a positive even number, or ``attention`` no module.
    """

    def __init__(
        self, channels: int = 32, attention: Attention | NoAttention | None = None
    ) -> None:
        super().__init__()
        check_channels(channels)
        if attention is not None and not isinstance(attention, nn.Module):
            raise ValueError(
                f"expected `attention` to be a torch.nn.Module, got {type(attention).__name__}"
            )
        self.channels = channels
        middle, wide = 2 * channels, 4 * channels
        self.coarse = nn.Sequential(
            *_encoder(channels, middle, middle, wide, wide, wide),
            dilated(wide),
            decoder(wide, channels),
        )
        self.refinement = RefinementStage(channels, attention or ContextualAttention())

    @property
    def attention(self) -> Attention | NoAttention:
        """The layer of the refinement's attention branch."""
        attention = self.refinement.attention
        return NoAttention() if attention is None else attention

    def forward(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Predict the whole picture twice, coarse and refined.

        Args:
            masked_image: ``(N, 3, H, W)`` in ``[-1, 1]``, 0 inside the hole.
            hole: ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing.

        Raises:
            ValueError: If the shapes do not fit or a side is not a multiple of 4.
        """
        coarse, hole = self.predict_coarse(masked_image, hole)
        pasted = coarse * hole + masked_image * (1 - hole)
        refined, offsets = self.refinement(with_planes(pasted, hole), hole)
        return Completion(coarse, refined, offsets)

    def guidance(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        r"""What a hard copy asks of the features that it matches; no term for other attentions.

        Shift-Net's guidance loss (Yan et al. 2018, arXiv 1801.09392): in the hole, the features
        that enter the attention are to be those of the true picture, which get no gradient,
        :math:`\lambda` times the mean of :math:`(\phi(\hat x) - \phi(x))^2`. There decoder and
        encoder features are compared, and sums taken; here one encoder makes both, so it sees the
        picture with the coarse result in the hole, then the true one, with the same planes.

        Returns:
            ``guidance``, a weighted scalar, if ``attention.guidance`` is above 0.
        """
        weight = getattr(self.refinement.attention, "guidance", 0.0)
        if not weight or completion.offsets is None:  # the coarse stage alone attends to nothing
            return {}
        encode = self.refinement.attention_encoder
        pasted = completion.coarse * batch.hole + batch.masked
        features = encode(with_planes(pasted, batch.hole))
        with torch.no_grad():
            truth = encode(with_planes(batch.image, batch.hole))
        missing = resize_nearest(batch.hole, *features.shape[-2:]).expand_as(features)
        square = (features - truth).square() * missing
        # A hole may be so small that no feature lies in it.
        mean = square.sum((1, 2, 3)) / missing.sum((1, 2, 3)).clamp_min(1)
        return {"guidance": weight * mean.mean()}

    def predict_coarse(self, masked_image: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
        """Run the coarse stage; return its picture, and the hole per sample in its type."""
        check_shapes(masked_image, hole)
        # Not len(masked_image): an exported network would have that number of pictures for ever.
        hole = hole.to(masked_image.dtype).expand(masked_image.shape[0], -1, -1, -1)
        return self.coarse(with_planes(masked_image, hole)), hole


class RefinementStage(nn.Module):
    """Two encoders, one of which borrows, and a decoder of both."""

    def __init__(self, channels: int, attention: Attention | NoAttention) -> None:
        super().__init__()
        middle, wide = 2 * channels, 4 * channels
        self.dilated_branch = nn.Sequential(
            *_encoder(channels, channels, middle, middle, wide, wide), dilated(wide)
        )
        self.attention = None if isinstance(attention, NoAttention) else attention
        if self.attention is not None:
            self.attention_encoder = nn.Sequential(
                *_encoder(channels, channels, middle, wide, wide),
                nn.Sequential(SameConv2d(wide, wide, 3), nn.ReLU(inplace=True)),
            )
            self.attention_decoder = nn.Sequential(conv_elu(wide, wide), conv_elu(wide, wide))
        branches = 1 if self.attention is None else 2
        self.decoder = decoder(branches * wide, channels)

    def forward(self, inputs: Tensor, hole: Tensor) -> tuple[Tensor, Tensor | None]:
        """Turn :func:`with_planes` ``(N, 5, H, W)`` into the refined picture and offsets."""
        features = self.dilated_branch(inputs)
        if self.attention is None:
            return self.decoder(features), None
        borrowing = self.attention_encoder(inputs)
        # The hole shrinks in two steps, here to the features' size, then inside the attention.
        hole = resize_nearest(hole, *borrowing.shape[-2:])
        borrowed, offsets = self.attention(borrowing, borrowing, hole)
        branches = [features, self.attention_decoder(borrowed)]
        return self.decoder(torch.cat(branches, dim=1)), offsets


def conv_elu(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Convolution and ELU, the authors' standard layer."""
    convolution = SameConv2d(in_channels, out_channels, kernel, stride, dilation)
    return nn.Sequential(convolution, nn.ELU(inplace=True))


def _encoder(*widths: int) -> list[nn.Module]:
    """Layers of these widths from :func:`with_planes` on; the second and the fourth halve it."""
    kernels, strides = (5, 3, 3, 3, 3, 3), (1, 2, 1, 2, 1, 1)
    return [conv_elu(*layer) for layer in zip((5, *widths), widths, kernels, strides, strict=False)]


def dilated(channels: int) -> nn.Sequential:
    """Four layers with dilations 2, 4, 8 and 16: the wide view of both stages."""
    return nn.Sequential(*(conv_elu(channels, channels, dilation=d) for d in (2, 4, 8, 16)))


def decoder(in_channels: int, channels: int) -> nn.Sequential:
    """From ``(N, in_channels, H / 4, W / 4)`` to a picture ``(N, 3, H, W)`` in ``[-1, 1]``.

    ``channels`` is the width of the generator, of which the last hidden layer has half.
    """
    return nn.Sequential(
        conv_elu(in_channels, 4 * channels),
        conv_elu(4 * channels, 4 * channels),
        nn.Sequential(DoublingConv2d(4 * channels, 2 * channels), nn.ELU(inplace=True)),
        conv_elu(2 * channels, 2 * channels),
        nn.Sequential(DoublingConv2d(2 * channels, channels), nn.ELU(inplace=True)),
        conv_elu(channels, channels // 2),
        SameConv2d(channels // 2, 3, 3),
        nn.Hardtanh(),
    )


def with_planes(image: Tensor, hole: Tensor) -> Tensor:
    """What both stages see: ``(N, 5, H, W)``, the picture, a plane of ones, the hole."""
    ones = torch.ones_like(hole)
    return torch.cat([image, ones, ones * hole], dim=1)


def check_channels(channels: int) -> None:
    """Refuse with a ``ValueError`` a width that cannot be halved, as the last layers do."""
    if channels < 2 or channels % 2:
        raise ValueError(f"expected `channels` to be a positive even number, got {channels}")


def check_shapes(masked_image: Tensor, hole: Tensor) -> None:
    """Refuse with a ``ValueError`` what :meth:`Generator.forward` does not take."""
    if masked_image.ndim != 4 or masked_image.shape[1] != 3:
        raise ValueError(f"expected pictures (N, 3, H, W), got {tuple(masked_image.shape)}")
    n, _, height, width = masked_image.shape
    if hole.shape[1:] != (1, height, width) or hole.shape[0] not in (n, 1):
        raise ValueError(
            f"expected a hole ({n} or 1, 1, {height}, {width}) like the pictures, "
            f"got {tuple(hole.shape)}"
        )
    if height % 4 or width % 4:
        raise ValueError(
            f"expected sides that are multiples of 4, got {height} x {width}; pad the picture "
            "(`farfill-inpaint` does it for any size)"
        )
