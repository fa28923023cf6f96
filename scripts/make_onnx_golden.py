#!/usr/bin/env python3
"""Makes the small ONNX generators that the tests of crates/generator read.

    python3 scripts/make_onnx_golden.py        (torch 2.4.1, onnx, safetensors)

Random weights from seed 0. For the plain generator its state dict is written too, so that the same network can be
built natively, and for all of them inputs and PyTorch's outputs.
"""

import pathlib

import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "crates/generator/tests/golden/onnx"


class Plain(nn.Module):
    """z (B, 4) to 1x8x8: two transposed convolutions with batch norm, as DCGAN's."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(4, 8, 4, 1, 0, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.net(z.reshape(-1, 4, 1, 1))


class Spatial(Plain):
    """The same with z (B, 4, 1, 1), as published DCGANs take it."""

    def forward(self, z):
        return self.net(z)


class Conditional(nn.Module):
    """z (B, 4) and one of 3 classes to 1x2x2."""

    def __init__(self, one_hot):
        super().__init__()
        self.one_hot = one_hot
        self.embedding = nn.Parameter(torch.randn(3, 2))
        self.out = nn.Linear(6, 4)

    def forward(self, z, y):
        embedded = y @ self.embedding if self.one_hot else self.embedding[y]
        return torch.sigmoid(self.out(torch.cat([z, embedded], 1))).reshape(-1, 1, 2, 2)


def export(name, network, inputs, names, fixed=False):
    axes = {} if fixed else {key: {0: "batch"} for key in [*names, "image"]}
    torch.onnx.export(network, inputs, str(FOLDER / f"{name}.onnx"), input_names=names, output_names=["image"],
                      dynamic_axes=axes, opset_version=17)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    plain = Plain().eval()
    plain.net[1].running_mean.normal_()
    plain.net[1].running_var.uniform_(0.5, 1.5)
    spatial = Spatial().eval()
    spatial.load_state_dict(plain.state_dict())
    index, one_hot = Conditional(False).eval(), Conditional(True).eval()
    one_hot.load_state_dict(index.state_dict())
    z, y = torch.randn(5, 4), torch.tensor([0, 2, 1, 2, 0])
    hot = nn.functional.one_hot(y, 3).float()
    with torch.no_grad():
        export("plain", plain, (z,), ["z"])
        export("fixed-batch", spatial, (z[:2].reshape(2, 4, 1, 1),), ["z"], fixed=True)
        export("class-index", index, (z, y), ["z", "y"])
        export("class-one-hot", one_hot, (z, hot), ["z", "y"])
        save_file({key: value for key, value in plain.state_dict().items() if "batches" not in key},
                  FOLDER / "plain.safetensors")
        save_file({"z": z, "x": plain(z)}, FOLDER / "plain-reference.safetensors")
        save_file({"z": z, "y": y, "x": index(z, y)}, FOLDER / "class-reference.safetensors")
    node = helper.make_node("NoSuchOperator", ["z"], ["image"], name="mystery")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in ["z", "image"]]
    graph = helper.make_graph([node], "unknown", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, FOLDER / "unknown-operator.onnx")


if __name__ == "__main__":
    main()
