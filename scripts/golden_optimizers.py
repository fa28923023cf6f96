#!/usr/bin/env python3
"""Writes crates/network/tests/golden/optimizers.json: the weights of a small network after steps of each optimizer at
a learning rate that changes, in double precision.

    python3 scripts/golden_optimizers.py

SGD, AdamW and clipping are PyTorch's. LARS is written out below from You, Gitman and Ginsburg 2017, equation 6
(https://arxiv.org/abs/1708.03888), with the learning rate outside the velocity. Needs torch.
"""

import json
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates" / "network" / "tests" / "golden" / "optimizers.json"
RATES = [0.05, 0.2, 1.5, 0.7, 0.1, 0.02]
ROWS, INPUTS, HIDDEN, OUTPUTS = 6, 5, 4, 3


class Lars:
    def __init__(self, groups, momentum, trust):
        self.param_groups, self.momentum, self.trust = groups, momentum, trust
        self.velocity = {}

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                g = w.grad
                update = g + group["weight_decay"] * w
                if not group["norm_or_bias"] and w.norm() > 0 and g.norm() > 0:
                    rate = self.trust * w.norm() / (g.norm() + group["weight_decay"] * w.norm())
                    update = rate * update
                v = self.momentum * self.velocity.get(w, torch.zeros_like(w)) + update
                self.velocity[w] = v
                w -= group["lr"] * v


def optimizer(config, network):
    """One group per parameter, so that exclusion and the groups of the configuration are plain to see."""
    groups = []
    for name, w in network.items():
        own = next((group for group in config["groups"] if name.startswith(group["prefix"])), {})
        excluded = config["exclude_norm_and_bias"] and w.ndim == 1
        decay = 0.0 if excluded else own.get("weight_decay", config["weight_decay"])
        groups.append({
            "params": [w], "weight_decay": decay, "norm_or_bias": excluded, "lr_scale": own.get("lr_scale", 1.0),
            "lr": 0.0,
        })
    if config["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=config["momentum"])
    if config["kind"] == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=(config["beta1"], config["beta2"]), eps=config["epsilon"])
    return Lars(groups, config["momentum"], config["trust"])


def loss_of(network, x, target):
    hidden = torch.tanh(x @ network["first.weight"].T + network["first.bias"])
    return ((hidden @ network["second.weight"].T + network["second.bias"] - target) ** 2).mean()


def run(name, config, start, x, target):
    network = {key: torch.tensor(value).double().requires_grad_() for key, value in start.items()}
    trainer = optimizer(config, network)
    norms = []
    for rate in RATES:
        for group in trainer.param_groups:
            group["lr"] = rate * config["rate_scale"] * group["lr_scale"]
        for w in network.values():
            w.grad = None
        loss_of(network, x, target).backward()
        norm = torch.nn.utils.clip_grad_norm_(network.values(), config.get("clip_norm", float("inf")))
        norms.append(norm.item())
        trainer.step()
    after = {key: w.detach().flatten().tolist() for key, w in network.items()}
    rates = [rate * config["rate_scale"] for rate in RATES]
    settings = {key: value for key, value in config.items() if key != "rate_scale"}
    return {"name": name, "optimizer": settings, "rates": rates, "start": start, "gradient_norms": norms, "after": after}


def main():
    random = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=random)  # 32 bits, as the other side starts from
    x, target = draw(ROWS, INPUTS), draw(ROWS, OUTPUTS)
    start = {
        "first.weight": draw(HIDDEN, INPUTS).tolist(), "first.bias": draw(HIDDEN).tolist(),
        "second.weight": draw(OUTPUTS, HIDDEN).tolist(), "second.bias": draw(OUTPUTS).tolist(),
    }
    zeros = start | {"second.weight": [[0.0] * HIDDEN] * OUTPUTS}  # the first layer's gradients are zero at first
    sgd = {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.01, "exclude_norm_and_bias": False, "groups": [], "rate_scale": 0.2}
    adamw = {
        "kind": "adamw", "beta1": 0.9, "beta2": 0.98, "epsilon": 1e-8, "weight_decay": 0.1, "exclude_norm_and_bias": True,
        "groups": [], "rate_scale": 0.1,
    }
    lars = {
        "kind": "lars", "momentum": 0.9, "trust": 0.02, "weight_decay": 0.05, "exclude_norm_and_bias": True, "groups": [],
        "rate_scale": 1.0,
    }
    groups = [{"prefix": "second.", "lr_scale": 0.25, "weight_decay": 0.3}]
    cases = [
        ("sgd", sgd, start),
        ("sgd, norm and bias excluded", sgd | {"exclude_norm_and_bias": True}, start),
        ("sgd, clipped", sgd | {"clip_norm": 0.5}, start),
        ("sgd, two groups", sgd | {"groups": groups}, start),
        ("adamw", adamw, start),
        ("adamw, everything decays", adamw | {"exclude_norm_and_bias": False}, start),
        # Clipped in some steps and not in others.
        ("adamw, two groups, clipped", adamw | {"groups": groups, "clip_norm": 4.05}, start),
        ("lars", lars, start),
        ("lars, everything adapted", lars | {"exclude_norm_and_bias": False}, start),
        ("lars, norms that are zero", lars, zeros),
        ("lars, two groups, clipped", lars | {"groups": groups, "clip_norm": 0.5}, start),
    ]
    results = [run(name, config, weights, x.double(), target.double()) for name, config, weights in cases]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    golden = {"x": x.tolist(), "target": target.tolist(), "cases": results}
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
