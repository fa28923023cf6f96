#!/usr/bin/env python3
"""How large each objective's gradient is beside that of the usual code for the same method: the table of docs/methods.md.

    python3 scripts/objective_scales.py

Needs torch and safetensors. Gradients of zview's losses are those of crates/contrastive/tests/golden/objectives.safetensors,
which zview's tests compare with; the others are written here as lightly, solo-learn or the authors' code has them.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

GOLDEN = load_file(Path(__file__).parent.parent / "crates/contrastive/tests/golden/objectives.safetensors")
torch.set_default_dtype(torch.float64)
T = 0.2


def of(case, key):
    return GOLDEN[f"{case}/{key}"]


def pair(rows):
    """The two views: row 2 b + v is view v of anchor b."""
    return rows.reshape(-1, 2, rows.shape[1]).unbind(1)


def ratio(name, case, leaf, usual, whose):
    x = of(case, leaf).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(usual(x), x)
    ours = of(case, f"gradient/{leaf}")
    factor = (ours * gradient).sum() / gradient.square().sum()
    rest = (ours - factor * gradient).abs().max() / ours.abs().max()
    assert rest < 1e-6, (name, "another function", float(rest))
    print(f"{name:<14} {float(factor):.4f} of {whose}")


def cosine(p, z):
    """lightly's NegativeCosineSimilarity."""
    return -F.cosine_similarity(p, z, dim=1).mean()


def symmetric(criterion, other):
    def loss(x):
        (p0, p1), (z0, z1) = pair(x), pair(other)
        return 0.5 * (criterion(p0, z1) + criterion(p1, z0))
    return loss


def nt_xent(x):
    """lightly's NTXentLoss of two views; also the authors' SupCon at temperature = base temperature."""
    z = F.normalize(torch.cat(pair(x)), dim=1)
    logits = (z @ z.T / T).fill_diagonal_(-torch.inf)
    n = len(z) // 2
    return F.cross_entropy(logits, torch.arange(2 * n).roll(n))


def info_nce(queries, keys):
    q, k = F.normalize(queries, dim=1), F.normalize(keys, dim=1)
    return F.cross_entropy(q @ k.T / T, torch.arange(len(q)))


def moco_v3(x):
    """The authors': moco/builder.py of facebookresearch/moco-v3."""
    (q0, q1), (k0, k1) = pair(x), pair(of("moco-v3/two", "keys"))
    return 2 * T * info_nce(q0, k1) + 2 * T * info_nce(q1, k0)


def barlow_twins(x):
    """lightly's BarlowTwinsLoss; the authors' main.py."""
    norm = torch.nn.BatchNorm1d(x.shape[1], affine=False)
    z0, z1 = (norm(view) for view in pair(x))
    c = z0.T @ z1 / len(z0)
    on = (torch.diagonal(c) - 1).square().sum()
    return on + 5e-3 * (c - torch.diag(torch.diagonal(c))).square().sum()


def vicreg(x):
    """lightly's VICRegLoss; the authors' main_vicreg.py."""
    views = pair(x)
    def variance(z):
        return F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean()
    def covariance(z):
        z = z - z.mean(0)
        c = z.T @ z / (len(z) - 1)
        return (c - torch.diag(torch.diagonal(c))).square().sum() / z.shape[1]
    std = 0.5 * (variance(views[0]) + variance(views[1]))
    return 25 * F.mse_loss(*views) + 25 * std + covariance(views[0]) + covariance(views[1])


ratio("simclr", "supcon/anchors", "projections", nt_xent, "lightly's NTXentLoss")
ratio("moco-v3", "moco-v3/two", "queries", moco_v3, "the authors'")
plain = symmetric(info_nce, of("moco-v3/two", "keys"))
ratio("moco-v3", "moco-v3/two", "queries", plain, f"the mean cross-entropy (4 T, at T = {T})")
ratio("byol", "byol/two", "predictions", symmetric(cosine, of("byol/two", "targets")), "lightly's")
ratio("barlow-twins", "barlow-twins/two", "embeddings", barlow_twins, "lightly's and the authors'")
ratio("vicreg", "vicreg/two", "embeddings", vicreg, "lightly's and the authors'")
predictor, z = of("simsiam/two", "predictor"), of("simsiam/two", "projections")
ratio("simsiam", "simsiam/two", "projections", lambda x: symmetric(cosine, z)(x @ predictor), "lightly's")
