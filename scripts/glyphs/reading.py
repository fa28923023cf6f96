"""How well a small network reads each family after learning on others; needs torch, and makes no file.

It is how the exclusion list was begun: families with many misread letters were then looked at by a person.
"""

import numpy
import torch
from torch import nn

from .render import LETTERS


def small_network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, len(LETTERS)),
    )


def train(pixels, labels, epochs, seed=1):
    """The small network after some epochs of Adam on (N, 28, 28) bytes."""
    torch.manual_seed(seed)
    network = small_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=epochs * (-(-len(labels) // 128)))
    images = torch.from_numpy(pixels).unsqueeze(1)
    targets = torch.from_numpy(labels).long()
    for _ in range(epochs):
        for batch in torch.randperm(len(targets)).split(128):
            loss = nn.functional.cross_entropy(network(images[batch].float() / 255), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def read(network, pixels):
    """The label that the network gives each picture."""
    images = torch.from_numpy(pixels).unsqueeze(1)
    return numpy.concatenate([network(part.float() / 255).argmax(1).numpy() for part in images.split(1000)])


def misread_shares(families, group, folds=5, epochs=5):
    """(F, 26) share of misread faces, each family read by a network that saw no family of its group."""
    fold = numpy.asarray(group) % folds
    shares = numpy.zeros((len(families), len(LETTERS)))
    for held_out in range(folds):
        seen = numpy.concatenate([f.pictures for f, own in zip(families, fold) if own != held_out])
        network = train(seen.reshape(-1, 28, 28), numpy.tile(numpy.arange(26), len(seen)), epochs)
        for at in numpy.flatnonzero(fold == held_out):
            pictures = families[at].pictures
            answers = read(network, pictures.reshape(-1, 28, 28)).reshape(len(pictures), 26)
            shares[at] = (answers != numpy.arange(26)).mean(axis=0)
    return shares
