"""The whole loss graph of the authors' code, rebuilt from tests/reference/losses_*.npz."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from farfill import Generator, load_tensorflow_generator
from farfill.critic.local_global import LocalGlobal
from farfill.gan.wgan_gp import WassersteinGP
from farfill.generator import tensorflow
from farfill.loss.discounted_l1 import DiscountedL1
from farfill.loss.known_l1 import KnownL1
from farfill.types import Batch
from helpers.vectors import Vectors


class Graph(NamedTuple):
    losses: dict[str, Tensor]  # unweighted, by the authors' names
    total: dict[str, Tensor]  # g_loss and d_loss, weighted
    generator: dict[str, nn.Parameter]  # by the authors' names
    critics: dict[str, nn.Parameter]


def load_critics(critics: LocalGlobal, vectors: Vectors) -> dict[str, nn.Parameter]:
    """Carry the authors' weights over; trap 12: the linear layer sees an NHWC flatten."""
    named = {}
    for name, network in critics.critics.items():
        layers = [layer for layer in network if hasattr(layer, "weight")]
        stems = [f"discriminator/discriminator_{name}/conv{i}" for i in range(1, len(layers))]
        for stem, layer in zip([*stems, f"discriminator/dout_{name}_fc"], layers, strict=True):
            kernel = vectors.tensor(f"weights/{stem}/kernel")
            with torch.no_grad():
                layer.weight.copy_(kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T)
                layer.bias.copy_(vectors.tensor(f"weights/{stem}/bias"))
            named |= {f"{stem}/kernel": layer.weight, f"{stem}/bias": layer.bias}
    return named


def read_batch(vectors: Vectors) -> Batch:
    image = vectors.image("batch_uint8_as_float") / 127.5 - 1
    hole = vectors.image("mask").expand(len(image), -1, -1, -1)
    top, left, height, width = vectors.array("bbox_tlhw").tolist()
    region = torch.zeros_like(hole)
    region[..., top : top + height, left : left + width] = 1
    box = vectors.tensor("bbox_tlhw").long().expand(len(image), 4)
    return Batch(image, hole, region, box, torch.arange(len(image)))


def build_graph(vectors: Vectors, nudge: float = 0.0) -> Graph:
    """Compute every loss of the file; ``nudge`` is added to the local critic's first biases."""
    params, batch = vectors.params, read_batch(vectors)
    generator = Generator(channels=params["gen_cnum"]).to(vectors.dtype)
    weights = {k.removeprefix("weights/"): v for k, v in vectors.arrays.items()}
    load_tensorflow_generator(
        generator, {k: v for k, v in weights.items() if k.startswith("inpaint_net/")}
    )
    size, patch = params["IMG_SHAPES"][0], params["HEIGHT"]
    critics = LocalGlobal(params["critic_cnum"], size, patch).to(vectors.dtype)
    named = load_critics(critics, vectors)
    with torch.no_grad():
        critics.critics["local"][0].bias.add_(nudge)

    gan = WassersteinGP(
        params["GAN_LOSS_ALPHA"], params["GLOBAL_WGAN_LOSS_ALPHA"], params["WGAN_GP_LAMBDA"], 5
    )
    coarse = params["COARSE_L1_ALPHA"]
    discounted = DiscountedL1(params["SPATIAL_DISCOUNTING_GAMMA"], coarse, 1.0)
    completion = generator(batch.masked, batch.hole)
    completed = completion.completed(batch.image, batch.hole)
    real, fake, hole = (
        critics.views(x, batch.box) for x in (batch.image, completed.detach(), batch.hole)
    )
    alphas = {name: vectors.tensor(f"alpha_{name}")[..., None, None] for name in real}
    critic_terms = gan.critic_terms(critics, real, fake, hole, alphas)
    adversarial = gan.generator_terms(critics, critics.views(completed, batch.box))
    losses = {
        "l1_loss": sum(discounted(completion, batch).values()),
        "ae_loss": sum(KnownL1(coarse, 1.0)(completion, batch).values()),
        "gp_loss": critic_terms["penalty_local"] + critic_terms["penalty_global"],
        "d_loss_local": critic_terms["wasserstein_local"],
        "d_loss_global": critic_terms["wasserstein_global"],
        "penalty_local": critic_terms["penalty_local"] / params["WGAN_GP_LAMBDA"],
        "penalty_global": critic_terms["penalty_global"] / params["WGAN_GP_LAMBDA"],
        "g_loss_local": adversarial["adversarial_local"] / params["GAN_LOSS_ALPHA"],
        "g_loss_global": adversarial["adversarial_global"] / params["GAN_LOSS_ALPHA"],
    }
    total = {
        "g_loss": sum(adversarial.values())
        + params["L1_LOSS_ALPHA"] * losses["l1_loss"]
        + params["AE_LOSS_ALPHA"] * losses["ae_loss"],
        "d_loss": sum(critic_terms.values()),
    }
    return Graph(losses, total, tensorflow.variables(generator), named)
