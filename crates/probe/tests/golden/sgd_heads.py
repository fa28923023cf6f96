"""Writes sgd_heads.json: linear classifiers after some steps of PyTorch's SGD with momentum and a cosine schedule.

Run: python sgd_heads.py   (torch 2.4.1)
"""

import json
from pathlib import Path

import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
D, C, B, STEPS, MOMENTUM, DECAY = 5, 4, 6, 12, 0.9, 1e-2
RATES = [0.03, 0.3, 3.0]
features = (torch.randn(STEPS, B, D) * 1e4).round() / 1e4
labels = torch.randint(C, (STEPS, B))
weights, biases = [], []
for rate in RATES:
    head = torch.nn.Linear(D, C)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    groups = [{"params": [head.weight], "weight_decay": DECAY}, {"params": [head.bias], "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
    for x, y in zip(features, labels):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(head(x), y).backward()
        optimizer.step()
        schedule.step()
    weights += [round(value, 9) for value in head.weight.detach().flatten().tolist()]
    biases += [round(value, 9) for value in head.bias.detach().tolist()]
golden = {
    "dimension": D,
    "classes": C,
    "batch": B,
    "steps": STEPS,
    "momentum": MOMENTUM,
    "weight_decay": DECAY,
    "learning_rates": RATES,
    "features": features.flatten().tolist(),
    "labels": labels.flatten().tolist(),
    "weights": weights,
    "biases": biases,
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
