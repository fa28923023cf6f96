"""Every kind of layer of a `sequential` generator, as PyTorch computes it.

    python scripts/make_generator_layers_golden.py

writes crates/generator/tests/golden/layers.safetensors (weights, latents z, classes y and images x of each case, with
the case's name before theirs) and layers.json (the manifests), which crates/generator/tests/layers.rs reads. Made with
PyTorch 2.4.1.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

OUT = Path(__file__).parent.parent / "crates/generator/tests/golden"
ROWS, CLASSES = 3, 4

tensors, manifests = {}, {}


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def L(kind, **keys):
    return {"kind": kind, **{key.rstrip("_"): value for key, value in keys.items()}}


def case(name, network, layers, dimension, classes=False, range_=(-1.0, 1.0)):
    """Weights that are not those of a fresh network, then the network's images in eval mode."""
    torch.manual_seed(len(manifests))
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if key.endswith("running_var") else torch.randn_like(tensor) * 0.5)
    network.eval()
    z = torch.randn(ROWS, dimension) * 1.5
    y = torch.arange(ROWS) % CLASSES
    with torch.no_grad():
        x = network(z, y) if classes else network(z)
    assert x.dim() == 4 and torch.isfinite(x).all(), (name, x.shape)
    weights = {key: value.clone() for key, value in network.state_dict().items()} or {"unused": torch.zeros(1)}
    for key, value in weights.items():
        tensors[f"{name}/weights/{key}"] = value.contiguous()
    tensors[f"{name}/z"], tensors[f"{name}/x"] = z, x.clone().contiguous()
    if classes:
        tensors[f"{name}/y"] = y
    ignore = "" if network.state_dict() else 'ignore = ["unused"]\n'
    lines = ",\n    ".join(toml(layer) for layer in layers)
    condition = f"condition = {{ classes = {CLASSES} }}\n" if classes else ""
    manifests[name] = (
        f'name = "{name}"\nsource = "torch"\nlicence = "none"\nweights = "weights.safetensors"\nsha256 = "compute"\n'
        f'architecture = "sequential"\n{ignore}'
        f'latent = {{ dimension = {dimension}, distribution = "normal" }}\n{condition}'
        f"output = {{ channels = {x.shape[1]}, height = {x.shape[2]}, width = {x.shape[3]}, range = {toml(list(range_))} }}\n"
        f"layers = [\n    {lines},\n]\n"
    )


class Net(nn.Module):
    """A network with the forward pass of a function of itself."""

    def __init__(self, forward, **modules):
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)
        self.function = forward

    def forward(self, *inputs):
        return self.function(self, *inputs)


def on_map(name, module, layer, channels=4, side=3, range_=(-1.0, 1.0)):
    """A module on maps that are z itself."""
    shape = [channels, side, side]
    case(
        name,
        Net(lambda net, z: net.m(z.view(-1, *shape)), m=module),
        [L("reshape", shape=shape), layer],
        channels * side * side,
        range_=range_,
    )


# Activations, on maps and on flat features.
for name, module, layer, range_ in [
    ("leaky-relu", nn.LeakyReLU(0.3), L("leaky-relu", slope=0.3), (-1.0, 1.0)),
    ("relu", nn.ReLU(), L("relu"), (-1.0, 1.0)),
    ("relu6", nn.ReLU6(), L("relu6"), (-1.0, 1.0)),
    ("prelu", nn.PReLU(), L("prelu", key="m"), (-1.0, 1.0)),
    ("prelu-channels", nn.PReLU(4), L("prelu", key="m", channels=4), (-1.0, 1.0)),
    ("elu", nn.ELU(0.7), L("elu", alpha=0.7), (-1.0, 1.0)),
    ("celu", nn.CELU(1.3), L("celu", alpha=1.3), (-1.0, 1.0)),
    ("selu", nn.SELU(), L("selu"), (-1.0, 1.0)),
    ("silu", nn.SiLU(), L("silu"), (-1.0, 1.0)),
    ("gelu", nn.GELU(), L("gelu"), (-1.0, 1.0)),
    ("gelu-tanh", nn.GELU("tanh"), L("gelu", approximate="tanh"), (-1.0, 1.0)),
    ("mish", nn.Mish(), L("mish"), (-1.0, 1.0)),
    ("softplus", nn.Softplus(2.0), L("softplus", beta=2.0), (-1.0, 1.0)),
    ("softsign", nn.Softsign(), L("softsign"), (-1.0, 1.0)),
    ("hard-swish", nn.Hardswish(), L("hard-swish"), (-1.0, 1.0)),
    ("tanh", nn.Tanh(), L("tanh"), (-1.0, 1.0)),
    ("hard-tanh", nn.Hardtanh(0.0, 1.0), L("hard-tanh", low=0.0), (0.0, 1.0)),
    ("sigmoid", nn.Sigmoid(), L("sigmoid"), (0.0, 1.0)),
    ("hard-sigmoid", nn.Hardsigmoid(), L("hard-sigmoid"), (0.0, 1.0)),
    ("dropout", nn.Dropout(0.5), L("dropout"), (-1.0, 1.0)),
]:
    on_map(name, module, layer, range_=range_)
case(
    "flat-activations",
    nn.Sequential(nn.Linear(5, 6), nn.SiLU(), nn.PReLU(6), nn.ELU(), nn.Unflatten(1, (1, 2, 3))),
    [L("linear", key="0", inputs=5, outputs=6), L("silu"), L("prelu", key="2", channels=6), L("elu"), L("reshape", shape=[1, 2, 3])],
    5,
)

# Convolutions.
on_map("conv-stride", nn.Conv2d(4, 3, 3, stride=2, padding=1), L("conv", key="m", in_=4, out=3, kernel=3, stride=2, padding=1), side=5)
on_map("conv-dilated", nn.Conv2d(4, 3, 3, padding=2, dilation=2, bias=False), L("conv", key="m", in_=4, out=3, kernel=3, padding=2, dilation=2, bias=False), side=5)
on_map("conv-grouped", nn.Conv2d(4, 6, 3, padding=1, groups=2), L("conv", key="m", in_=4, out=6, kernel=3, padding=1, groups=2))
for mode in ["reflect", "replicate", "circular"]:
    on_map(f"conv-{mode}", nn.Conv2d(4, 2, 5, padding=2, padding_mode=mode), L("conv", key="m", in_=4, out=2, kernel=5, padding=2, padding_mode=mode))
on_map("conv-transpose-output-padding", nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1), L("conv-transpose", key="m", in_=4, out=3, kernel=3, stride=2, padding=1, output_padding=1))
on_map("conv-transpose-dilated", nn.ConvTranspose2d(4, 3, 3, padding=1, dilation=2), L("conv-transpose", key="m", in_=4, out=3, kernel=3, padding=1, dilation=2))
on_map("conv-transpose-grouped", nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2), L("conv-transpose", key="m", in_=4, out=6, kernel=4, stride=2, padding=1, groups=2))

# Padding and cropping.
on_map("pad-zeros", nn.ZeroPad2d((1, 2, 0, 3)), L("pad", padding=[1, 2, 0, 3]))
on_map("pad-reflect", nn.ReflectionPad2d((1, 2, 0, 2)), L("pad", padding=[1, 2, 0, 2], mode="reflect"))
on_map("pad-replicate", nn.ReplicationPad2d(2), L("pad", padding=2, mode="replicate"))
on_map("pad-circular", nn.CircularPad2d((3, 1, 2, 0)), L("pad", padding=[3, 1, 2, 0], mode="circular"))
on_map("crop", Net(lambda net, x: x[:, :, 1:, 1:-2]), L("crop", pixels=[1, 2, 1, 0]), side=5)

# Normalisation.
on_map("batch-norm", nn.BatchNorm2d(4, eps=0.3), L("batch-norm", key="m", channels=4, eps=0.3))
on_map("batch-norm-plain", nn.BatchNorm2d(4, affine=False), L("batch-norm", key="m", channels=4, affine=False))
on_map("instance-norm", nn.InstanceNorm2d(4), L("instance-norm", channels=4))
on_map("instance-norm-affine", nn.InstanceNorm2d(4, affine=True, eps=0.1), L("instance-norm", key="m", channels=4, affine=True, eps=0.1))
on_map("instance-norm-tracked", nn.InstanceNorm2d(4, affine=True, track_running_stats=True), L("instance-norm", key="m", channels=4, affine=True, track_running_stats=True))
on_map("group-norm", nn.GroupNorm(2, 4), L("group-norm", key="m", groups=2, channels=4))
on_map("group-norm-plain", nn.GroupNorm(4, 4, affine=False), L("group-norm", groups=4, channels=4, affine=False))
on_map("layer-norm", nn.LayerNorm([4, 3, 3]), L("layer-norm", key="m"))
on_map("layer-norm-plain", nn.LayerNorm([4, 3, 3], elementwise_affine=False, eps=0.1), L("layer-norm", affine=False, eps=0.1))
on_map("pixel-norm", Net(lambda net, x: x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()), L("pixel-norm"))
case(
    "flat-norms",
    nn.Sequential(nn.BatchNorm1d(6), nn.LayerNorm(6), nn.GroupNorm(3, 6), nn.Unflatten(1, (1, 2, 3))),
    [L("batch-norm", key="0", channels=6), L("layer-norm", key="1"), L("group-norm", key="2", groups=3, channels=6), L("reshape", shape=[1, 2, 3])],
    6,
)

# Other sizes.
for name, module, layer in [
    ("upsample-nearest", nn.Upsample(scale_factor=3), L("upsample-nearest", factor=3)),
    ("upsample-nearest-size", nn.Upsample(size=(7, 2)), L("upsample-nearest", size=[7, 2])),
    ("upsample-bilinear", nn.Upsample(scale_factor=2, mode="bilinear"), L("upsample-bilinear", factor=2)),
    ("upsample-bilinear-corners", nn.UpsamplingBilinear2d(scale_factor=2), L("upsample-bilinear", factor=2, align_corners=True)),
    ("upsample-bilinear-size", nn.Upsample(size=(7, 2), mode="bilinear"), L("upsample-bilinear", size=[7, 2])),
    ("upsample-bicubic", nn.Upsample(scale_factor=2, mode="bicubic"), L("upsample-bicubic", factor=2)),
    ("upsample-bicubic-corners", nn.Upsample(size=(5, 6), mode="bicubic", align_corners=True), L("upsample-bicubic", size=[5, 6], align_corners=True)),
    ("pixel-shuffle", nn.PixelShuffle(2), L("pixel-shuffle", factor=2)),
    ("average-pool", nn.AvgPool2d(2), L("average-pool", kernel=2)),
    ("average-pool-padded", nn.AvgPool2d(3, 2, 1, count_include_pad=False), L("average-pool", kernel=3, stride=2, padding=1, count_include_pad=False)),
    ("average-pool-zeros", nn.AvgPool2d(3, 2, 1), L("average-pool", kernel=3, stride=2, padding=1)),
    ("max-pool", nn.MaxPool2d(3, 1, 1), L("max-pool", kernel=3, stride=1, padding=1)),
    ("max-pool-stride", nn.MaxPool2d(2), L("max-pool", kernel=2)),
]:
    on_map(name, module, layer, side=5)
case(
    "flatten-in-the-middle",
    nn.Sequential(nn.Unflatten(1, (2, 3, 3)), nn.Conv2d(2, 2, 2), nn.Flatten(), nn.Linear(8, 4), nn.Unflatten(1, (1, 2, 2))),
    [
        L("reshape", shape=[2, 3, 3]),
        L("conv", key="1", in_=2, out=2, kernel=2),
        L("flatten"),
        L("linear", key="3", inputs=8, outputs=4),
        L("reshape", shape=[1, 2, 2]),
    ],
    18,
)

# Residual connections: a block of SNGAN, and one without a shortcut of its own.
case(
    "residual-up",
    Net(
        lambda net, z: net.last(
            net.c2(F.relu(net.b2(net.c1(F.interpolate(F.relu(net.b1(z.view(-1, 4, 3, 3))), scale_factor=2)))))
            + net.sc(F.interpolate(z.view(-1, 4, 3, 3), scale_factor=2))
        ),
        b1=nn.BatchNorm2d(4), c1=nn.Conv2d(4, 3, 3, padding=1), b2=nn.BatchNorm2d(3), c2=nn.Conv2d(3, 3, 3, padding=1), sc=nn.Conv2d(4, 3, 1), last=nn.Tanh(),
    ),
    [
        L("reshape", shape=[4, 3, 3]),
        L("residual",
          layers=[
              L("batch-norm", key="b1", channels=4), L("relu"), L("upsample-nearest", factor=2),
              L("conv", key="c1", in_=4, out=3, kernel=3, padding=1), L("batch-norm", key="b2", channels=3), L("relu"),
              L("conv", key="c2", in_=3, out=3, kernel=3, padding=1),
          ],
          shortcut=[L("upsample-nearest", factor=2), L("conv", key="sc", in_=4, out=3, kernel=1)]),
        L("tanh"),
    ],
    36,
)
case(
    "residual-scaled",
    Net(lambda net, z: (z + 0.2 * F.silu(net.l(z))).view(-1, 1, 2, 2), l=nn.Linear(4, 4)),
    [L("residual", scale=0.2, layers=[L("linear", key="l", inputs=4, outputs=4), L("silu")]), L("reshape", shape=[1, 2, 2])],
    4,
)


# Self-attention.
def attention(pool=False, output=False, scaled=False, roles=("q", "k", "v")):
    def forward(net, z):
        x = z.view(-1, 8, 4, 4)
        q, k, v = (getattr(net.a, role) for role in roles)
        shrink = (lambda m: F.max_pool2d(m, 2)) if pool else (lambda m: m)
        q, k, v = q(x).flatten(2), shrink(k(x)).flatten(2), shrink(v(x)).flatten(2)
        scores = q.transpose(1, 2) @ k
        if scaled:
            scores = scores / q.shape[1] ** 0.5
        out = (v @ scores.softmax(-1).transpose(1, 2)).view(x.shape[0], -1, 4, 4)
        return x + net.a.gamma * (net.a.o(out) if output else out)

    return forward


class Attention(nn.Module):
    def __init__(self, bias=True, wide=8, output=False, shape=(1,), conv=nn.Conv2d):
        super().__init__()
        self.q, self.k = conv(8, 2, 1, bias=bias), conv(8, 2, 1, bias=bias)
        self.v = conv(8, wide, 1, bias=bias)
        if output:
            self.o = conv(wide, 8, 1, bias=bias)
        self.gamma = nn.Parameter(torch.zeros(shape))


names = {"queries": "q", "keys": "k", "values": "v"}
case("attention", Net(attention(), a=Attention()), [L("reshape", shape=[8, 4, 4]), L("self-attention", key="a", channels=8, **names)], 128)
case(
    "attention-pooled",
    Net(attention(pool=True, output=True), a=Attention(bias=False, wide=4, output=True, shape=())),
    [L("reshape", shape=[8, 4, 4]), L("self-attention", key="a", channels=8, output="o", pool=2, bias=False, **names)],
    128,
)
case(
    "attention-scaled",
    Net(attention(output=True, scaled=True), a=Attention(wide=4, output=True)),
    [L("reshape", shape=[8, 4, 4]), L("self-attention", key="a", channels=8, output="o", scaled=True, **names)],
    128,
)


class FastaiAttention(nn.Module):
    """Of fastai: convolutions of one axis without bias, and the softmax over the places of the queries."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Conv1d(8, n, 1, bias=False) for n in (2, 2, 8))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        size = x.shape
        x = x.flatten(2)
        f, g, h = self.query(x), self.key(x), self.value(x)
        beta = torch.softmax(f.transpose(1, 2) @ g, dim=1)
        return (self.gamma * (h @ beta) + x).view(size)


case(
    "attention-fastai",
    Net(lambda net, z: net.a(z.view(-1, 8, 4, 4)), a=FastaiAttention()),
    [L("reshape", shape=[8, 4, 4]), L("self-attention", key="a", channels=8, queries="key", keys="query", values="value", bias=False)],
    128,
)

# Conditions.
linear = [L("linear", key="l", inputs=7, outputs=4), L("reshape", shape=[1, 2, 2])]
case("condition", Net(lambda net, z, y: net.l(torch.cat((z, net.e(y)), 1)).view(-1, 1, 2, 2), e=nn.Embedding(CLASSES, 2), l=nn.Linear(7, 4)),
     [L("condition", key="e", dimension=2), *linear], 5, classes=True)
case("condition-before", Net(lambda net, z, y: net.l(torch.cat((net.e(y), z), 1)).view(-1, 1, 2, 2), e=nn.Embedding(CLASSES, 2), l=nn.Linear(7, 4)),
     [L("condition", key="e", dimension=2, combine="prepend"), *linear], 5, classes=True)
case("condition-one-hot", Net(lambda net, z, y: net.l(torch.cat((z, F.one_hot(y, CLASSES).float()), 1)).view(-1, 1, 2, 2), l=nn.Linear(7, 4)),
     [L("condition", class_as="one-hot"), *linear], 3, classes=True)
case("condition-multiplied", Net(lambda net, z, y: net.l(net.e(y) * z).view(-1, 1, 2, 2), e=nn.Embedding(CLASSES, 7), l=nn.Linear(7, 4)),
     [L("condition", key="e", dimension=7, combine="multiply"), *linear], 7, classes=True)
case("condition-added", Net(lambda net, z, y: net.l(net.e(y) + z).view(-1, 1, 2, 2), e=nn.Embedding(CLASSES, 7), l=nn.Linear(7, 4)),
     [L("condition", key="e", dimension=7, combine="add"), *linear], 7, classes=True)
case(
    "condition-own-layers",
    Net(lambda net, z, y: net.l(torch.cat((F.relu(net.h(z)), F.relu(net.g(net.e(y)))), 1)).view(-1, 1, 2, 2),
        e=nn.Embedding(CLASSES, 2), h=nn.Linear(5, 4), g=nn.Linear(2, 3), l=nn.Linear(7, 4)),
    [L("linear", key="h", inputs=5, outputs=4), L("relu"),
     L("condition", key="e", dimension=2, layers=[L("linear", key="g", inputs=2, outputs=3), L("relu")]), *linear],
    5,
    classes=True,
)
case(
    "condition-map",
    Net(lambda net, z, y: net.c(torch.cat((net.h(z).view(-1, 2, 3, 3), net.g(net.e(y)).view(-1, 1, 3, 3)), 1)),
        e=nn.Embedding(CLASSES, 5), h=nn.Linear(4, 18), g=nn.Linear(5, 9), c=nn.Conv2d(3, 1, 3, padding=1)),
    [L("linear", key="h", inputs=4, outputs=18), L("reshape", shape=[2, 3, 3]),
     L("condition", key="e", dimension=5, layers=[L("linear", key="g", inputs=5, outputs=9), L("reshape", shape=[1, 3, 3])]),
     L("conv", key="c", in_=3, out=1, kernel=3, padding=1)],
    4,
    classes=True,
)
case(
    "condition-one-hot-maps",
    Net(lambda net, z, y: net.c(torch.cat((z.view(-1, 2, 3, 3), F.one_hot(y, CLASSES).float().view(-1, CLASSES, 1, 1).expand(-1, -1, 3, 3)), 1)),
        c=nn.Conv2d(2 + CLASSES, 1, 3, padding=1)),
    [L("reshape", shape=[2, 3, 3]), L("condition", class_as="one-hot"), L("conv", key="c", in_=2 + CLASSES, out=1, kernel=3, padding=1)],
    18,
    classes=True,
)
case(
    "condition-two-branches",
    Net(
        lambda net, z, y: torch.tanh(net.d2(torch.cat(
            (F.relu(net.b1(net.d1(z[:, :, None, None]))), F.relu(net.b2(net.d12(F.one_hot(y, CLASSES).float()[:, :, None, None])))), 1))),
        d1=nn.ConvTranspose2d(5, 3, 4), b1=nn.BatchNorm2d(3), d12=nn.ConvTranspose2d(CLASSES, 2, 4), b2=nn.BatchNorm2d(2),
        d2=nn.ConvTranspose2d(5, 1, 4, 2, 1),
    ),
    [
        L("reshape", shape=[5, 1, 1]), L("conv-transpose", key="d1", in_=5, out=3, kernel=4), L("batch-norm", key="b1", channels=3), L("relu"),
        L("condition", class_as="one-hot", layers=[
            L("reshape", shape=[CLASSES, 1, 1]), L("conv-transpose", key="d12", in_=CLASSES, out=2, kernel=4), L("batch-norm", key="b2", channels=2), L("relu")]),
        L("conv-transpose", key="d2", in_=5, out=1, kernel=4, stride=2, padding=1), L("tanh"),
    ],
    5,
    classes=True,
)
case(
    "condition-scales-channels",
    Net(lambda net, z, y: z.view(-1, 2, 3, 3) * net.e(y)[:, :, None, None], e=nn.Embedding(CLASSES, 2)),
    [L("reshape", shape=[2, 3, 3]), L("condition", key="e", dimension=2, combine="multiply")],
    18,
    classes=True,
)

case(
    "condition-batch-norm",
    Net(lambda net, z, y: net.n(z.view(-1, 2, 3, 3)) * net.e(y).chunk(2, 1)[0][:, :, None, None] + net.e(y).chunk(2, 1)[1][:, :, None, None],
        n=nn.BatchNorm2d(2, affine=False), e=nn.Embedding(CLASSES, 4)),
    [L("reshape", shape=[2, 3, 3]), L("batch-norm", key="n", channels=2, affine=False), L("condition", key="e", dimension=4, combine="scale-and-shift")],
    18,
    classes=True,
)

OUT.mkdir(parents=True, exist_ok=True)
save_file(tensors, OUT / "layers.safetensors")
(OUT / "layers.json").write_text(json.dumps(manifests, indent=1) + "\n")
print(f"{len(manifests)} cases")
