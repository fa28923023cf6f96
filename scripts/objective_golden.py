#!/usr/bin/env python3
"""Losses and gradients of every objective, in double precision, for crates/contrastive/tests/golden/.

    python3 scripts/objective_golden.py

Needs torch, numpy and safetensors. Each reference is written from the paper's equations, or as the authors' code has
them, for lists of views, and not from zview's code; its gradient is checked against finite differences here
(torch.autograd.gradcheck), and zview's tests compare with both.
"""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "crates/contrastive/tests/golden/objectives.safetensors"
B, D, Z, T = 6, 8, 5, 0.2
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
tensors = {}


def random(*shape):
    # Values that are exact in 32 bits.
    return torch.randn(*shape).float().double()


def add(name, loss, inputs, leaf):
    """Stores one case: its inputs, its loss, and the gradient of the input `leaf`."""
    x = inputs[leaf].clone().requires_grad_()
    value = loss({**inputs, leaf: x})
    (gradient,) = torch.autograd.grad(value, x)
    assert torch.autograd.gradcheck(lambda x: loss({**inputs, leaf: x}), x, atol=1e-6), name
    for key, tensor in inputs.items():
        tensors[f"{name}/{key}"] = tensor.double().contiguous()
    tensors[f"{name}/loss"] = value.detach().reshape(1)
    tensors[f"{name}/gradient/{leaf}"] = gradient.contiguous()


def views_of(rows, count):
    """Row b * V + v is view v of anchor b: a list of (B, D), one per view."""
    return list(rows.reshape(-1, count, rows.shape[1]).unbind(1))


def ordered(count):
    return [(v, w) for v in range(count) for w in range(count) if v != w]


def supcon(x):
    z = F.normalize(x["projections"], dim=1)
    labels, total = x["labels"].flatten(), 0
    for i in range(len(z)):
        others = [k for k in range(len(z)) if k != i]
        denominator = torch.logsumexp(z[others] @ z[i] / T, 0)
        positives = [p for p in others if labels[p] == labels[i]]
        total = total + sum(denominator - z[p] @ z[i] / T for p in positives) / len(positives)
    return total / len(z)


def byol(count):
    def loss(x):
        q, t = views_of(x["predictions"], count), views_of(x["targets"], count)
        terms = [(2 - 2 * F.cosine_similarity(q[v], t[w], dim=1)).mean() for v, w in ordered(count)]
        return 2 * sum(terms) / len(terms)
    return loss


def simsiam(count):
    # The stopped projections do not move with the input: gradcheck sees them as constants.
    def with_frozen(frozen):
        def loss(x):
            p, z = views_of(x["projections"] @ x["predictor"], count), views_of(frozen, count)
            terms = [-F.cosine_similarity(p[v], z[w], dim=1).mean() for v, w in ordered(count)]
            return sum(terms) / len(terms)
        return loss
    return with_frozen


def latent_step(count):
    def loss(x):
        p, t, z = (views_of(x[key], count) for key in ["projections", "targets", "latents"])
        terms = [
            (2 - 2 * F.cosine_similarity(torch.cat([p[v], z[w] - z[v]], 1) @ x["predictor"], t[w], dim=1)).mean()
            for v, w in ordered(count)
        ]
        return sum(terms) / len(terms)
    return loss


def moco_v3(count):
    def loss(x):
        q = views_of(F.normalize(x["queries"], dim=1), count)
        k = views_of(F.normalize(x["keys"], dim=1), count)
        terms = []
        for v, w in ordered(count):
            logits = q[v] @ k[w].T
            if "queue" in x:
                logits = torch.cat([logits, q[v] @ x["queue"].T], 1)
            terms.append(2 * T * F.cross_entropy(logits / T, torch.arange(len(q[v]))))
        return 2 * sum(terms) / len(terms)
    return loss


def barlow_twins(count):
    def loss(x):
        norm = torch.nn.BatchNorm1d(D, affine=False)
        z = [norm(view) for view in views_of(x["embeddings"], count)]
        terms = []
        for v, w in itertools.combinations(range(count), 2):
            c = z[v].T @ z[w] / len(z[v])
            on = (torch.diagonal(c) - 1).pow(2).sum()
            off = (c - torch.diag(torch.diagonal(c))).pow(2).sum()
            terms.append(0.1 * (on + 5e-3 * off))
        return sum(terms) / len(terms)
    return loss


def vicreg(count):
    def covariance(z):
        z = z - z.mean(0)
        c = z.T @ z / (len(z) - 1)
        return (c - torch.diag(torch.diagonal(c))).pow(2).sum() / D

    def loss(x):
        z = views_of(x["embeddings"], count)
        pairs = list(itertools.combinations(range(count), 2))
        s = sum(F.mse_loss(z[v], z[w]) for v, w in pairs) / len(pairs)
        v = sum(F.relu(1 - torch.sqrt(view.var(0) + 1e-4)).mean() for view in z) / count
        c = 2 * sum(covariance(view) for view in z) / count
        return 25 * s + 25 * v + c
    return loss


def lejepa(count):
    def loss(x):
        # (V, N, D), as in the authors' minimal example.
        p = torch.stack(views_of(x["embeddings"], count))
        t = torch.linspace(0, 3, 17)
        weights = torch.full((17,), 2 * 3 / 16)
        weights[[0, -1]] = 3 / 16
        phi = torch.exp(-t.square() / 2)
        a = x["directions"] / x["directions"].norm(dim=0)
        angles = (p @ a).unsqueeze(-1) * t
        error = (angles.cos().mean(-3) - phi).square() + angles.sin().mean(-3).square()
        sig_reg = ((error @ (weights * phi)) * p.shape[1]).mean()
        agreement = (p.mean(0) - p).square().mean()
        return 0.02 * sig_reg + 0.98 * agreement
    return loss


labels = torch.tensor([0, 1, 0, 2, 1, 0]).repeat_interleave(2).reshape(-1, 1)
add("supcon/labels", supcon, {"projections": random(2 * B, D), "labels": labels}, "projections")
anchors = torch.arange(B).repeat_interleave(2).reshape(-1, 1)
add("supcon/anchors", supcon, {"projections": random(2 * B, D), "labels": anchors}, "projections")
for case, count in [("two", 2), ("three", 3)]:
    n = B * count
    add(f"byol/{case}", byol(count), {"predictions": random(n, D), "targets": random(n, D)}, "predictions")
    z = random(n, D)
    add(f"simsiam/{case}", simsiam(count)(z.clone()), {"projections": z, "predictor": random(D, D)}, "projections")
    inputs = {
        "projections": random(n, D), "targets": random(n, D), "latents": random(n, Z),
        "predictor": random(D + Z, D),
    }
    add(f"latent-step/{case}", latent_step(count), inputs, "projections")
    add(f"moco-v3/{case}", moco_v3(count), {"queries": random(n, D), "keys": random(n, D)}, "queries")
    add(f"barlow-twins/{case}", barlow_twins(count), {"embeddings": random(n, D)}, "embeddings")
    add(f"vicreg/{case}", vicreg(count), {"embeddings": random(n, D)}, "embeddings")
    add(f"lejepa/{case}", lejepa(count), {"embeddings": random(n, D), "directions": random(D, 10)}, "embeddings")
queue = F.normalize(random(7, D), dim=1).float().double()
inputs = {"queries": random(2 * B, D), "keys": random(2 * B, D), "queue": queue}
add("moco-v3/queue", moco_v3(2), inputs, "queries")
add("inverter/two", lambda x: F.mse_loss(x["regressed"], x["latents"]),
    {"regressed": random(2 * B, Z), "latents": random(2 * B, Z)}, "regressed")
add("cross-entropy/two", lambda x: F.cross_entropy(x["logits"], x["labels"].flatten().long()),
    {"logits": random(2 * B, 4), "labels": labels}, "logits")
add("i-jepa/regression", lambda x: F.smooth_l1_loss(x["predictions"], F.layer_norm(x["targets"], (D,))),
    {"predictions": 1.5 * random(2 * B, D), "targets": random(2 * B, D)}, "predictions")

OUT.parent.mkdir(parents=True, exist_ok=True)
save_file(tensors, OUT)
print(f"{OUT}: {len(tensors)} tensors, {OUT.stat().st_size} bytes")
