#!/usr/bin/env python3
"""Makes the golden files of crates/torch-file: PyTorch files with Python objects of every kind beside the tensors.

    python scripts/make_torch_files.py crates/torch-file/tests/golden

Written with torch 2.4.1 and numpy. Beside the files it writes `expected.json`: of each file the tensors by name, with
element type, shape, CRC-32 of the elements in row-major order and what they lie in. What is expected is written down
beside each object, never read back from the file.
"""

import argparse
import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import io
import json
import pathlib
import pickle
import struct
import sys
import tarfile
import types
import uuid
import zipfile
import zlib

import numpy as np
import torch
from torch import nn

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
expected = {}
torch.manual_seed(0)


def entry(value, holder="dictionary"):
    """(element type, shape, CRC-32, holder) of a tensor or array; a text is why it cannot be read."""
    if isinstance(value, tuple):
        value, holder = value
    if isinstance(value, str):
        return {"unreadable": value, "holder": holder}
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"))
        return {"type": str(value.dtype.newbyteorder("=")), "shape": list(value.shape),
                "crc": zlib.crc32(data.tobytes()), "holder": holder}
    plain = value.detach().as_subclass(torch.Tensor).contiguous()
    raw = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return {"type": str(plain.dtype).removeprefix("torch."), "shape": list(plain.shape), "crc": zlib.crc32(raw),
            "holder": holder}


def case(name, content, tensors, save=None, **options):
    path = out / name
    if save is None:
        torch.save(content, path, **options)
    else:
        save(content, path)
    expected[name] = {key: entry(value) for key, value in tensors.items()}


def numbers(*shape, dtype=torch.float32):
    count = int(np.prod(shape)) if shape else 1
    return (torch.arange(count, dtype=torch.float32) * 0.5 - 1).reshape(shape).to(dtype)


def prefixed(prefix, tensors):
    return {f"{prefix}.{key}": value for key, value in tensors.items()}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU())
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("mean", torch.ones(2))
        self.register_buffer("scratch", torch.zeros(5), persistent=False)
        self.unused = None


net = Net()
state = net.state_dict()

# Layouts.
case("plain.pth", state, state)
case("legacy.pth", state, state, _use_new_zipfile_serialization=False)
case("bare-tensor.pt", numbers(2, 3), {"tensor": numbers(2, 3)})
case("bare-tensor-legacy.pt", numbers(2, 3), {"tensor": numbers(2, 3)}, _use_new_zipfile_serialization=False)
case("list.pt", [numbers(2), numbers(3)], {"0": numbers(2), "1": numbers(3)})
case("tuple.pt", (numbers(2), {"a": numbers(1)}), {"0": numbers(2), "1.a": numbers(1)})
case("nested.pt", {"a": {"b": {"c": numbers(2)}}, "d": [{"e": numbers(1)}]}, {"a.b.c": numbers(2), "d.0.e": numbers(1)})
for protocol in (3, 4, 5):
    case(f"protocol-{protocol}.pth", {"state_dict": state, "epoch": 3}, prefixed("state_dict", state),
         pickle_protocol=protocol)
for protocol in range(6):
    case(f"pickle-{protocol}.pkl", {"weight": numbers(2, 3), "half": numbers(2, dtype=torch.half), "steps": 4},
         {"weight": numbers(2, 3), "half": numbers(2, dtype=torch.half)},
         save=lambda content, path, protocol=protocol: path.write_bytes(pickle.dumps(content, protocol)))


def rezip(content, path, compression=zipfile.ZIP_DEFLATED, change=lambda name, data: data, front=b"", comment=b""):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with zipfile.ZipFile(buffer) as old, open(path, "wb") as file:
        file.write(front)
        with zipfile.ZipFile(file, "w", compression) as new:
            for info in old.infolist():
                new.writestr(info.filename, change(info.filename, old.read(info)))
            new.comment = comment


def big(name, data):
    if name.endswith("/byteorder"):
        return b"big"
    if "/data/" in name:
        return np.frombuffer(data, "<f4").astype(">f4").tobytes()
    return data


floats = {"w": numbers(3, 4), "b": numbers(4)}
case("deflated.pth", floats, floats, save=rezip)
case("big-endian.pth", floats, floats, save=functools.partial(rezip, change=big))
case("comment.pth", floats, floats, save=functools.partial(rezip, comment=b"made by hand PK\x05\x06 and so on"))
case("front.pth", floats, floats,
     save=functools.partial(rezip, compression=zipfile.ZIP_STORED, front=b"PK\x03\x04" + bytes(60)))


class Storages(pickle.Pickler):
    """Names storages as PyTorch before 0.4 did: views of a root storage."""

    def persistent_id(self, value):
        if isinstance(value, types.SimpleNamespace):
            return ("storage", torch.FloatStorage, "root", "cpu", 6, value.view)
        return None


class Rebuilt:
    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return torch._utils._rebuild_tensor, self.arguments


def legacy_views(_, path):
    root = numbers(6)
    parts = {"first": Rebuilt(types.SimpleNamespace(view=("a", 0, 2)), 0, (2,), (1,)),
             "second": Rebuilt(types.SimpleNamespace(view=("b", 2, 4)), 1, (3,), (1,)),
             "whole": Rebuilt(types.SimpleNamespace(view=None), 0, (3, 2), (1, 3))}
    with open(path, "wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
            pickle.dump(value, file, 2)
        Storages(file, 2).dump(parts)
        pickle.dump(["root"], file, 2)
        file.write(struct.pack("<q", 6) + root.numpy().tobytes())


root = numbers(6)
case("legacy-views.pth", None, {"first": root[:2], "second": root[3:], "whole": root.reshape(2, 3).t()}, save=legacy_views)


class Numbered(pickle.Pickler):
    def persistent_id(self, value):
        return value.number if isinstance(value, types.SimpleNamespace) else None


def old_tar(_, path):
    """As torch 0.1 wrote: storages 10 and 11 (a view of 10), tensors 20 and 21."""
    storages, tensors, content = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pickle.dump(1, storages, 2)
    pickle.dump((10, "cpu", torch.FloatStorage), storages, 2)
    storages.write(struct.pack("<q", 6) + numbers(6).numpy().tobytes())
    pickle.dump([(11, 10, 2, 4)], storages, 2)
    pickle.dump(2, tensors, 2)
    for key, storage, shape, stride, offset in ((20, 10, (2, 3), (3, 1), 0), (21, 11, (2,), (2,), 1)):
        pickle.dump((key, storage, torch.FloatTensor), tensors, 2)
        sizes = struct.pack(f"<ii{2 * len(shape)}q", len(shape), 0, *shape, *stride)
        tensors.write(sizes + struct.pack("<q", offset))
    numbered = [types.SimpleNamespace(number=number) for number in (20, 21)]
    Numbered(content, 2).dump(collections.OrderedDict(weight=numbered[0], bias=numbered[1]))
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("storages", storages), ("tensors", tensors), ("pickle", content)):
            info = tarfile.TarInfo(name)
            info.size = data.tell()
            data.seek(0)
            tar.addfile(info, data)


case("tar.pth", None, {"weight": root.reshape(2, 3), "bias": root[2:][1::2]}, save=old_tar)
assert torch.equal(torch.load(out / "tar.pth", weights_only=False)["bias"], root[2:][1::2])
assert torch.equal(torch.load(out / "legacy-views.pth", weights_only=False)["second"], root[3:])

# Tensors of every kind.
base = numbers(4, 5)
views = {"transposed": base.t(), "slice": base[1:3, ::2], "expanded": numbers(1).expand(2, 3), "scalar": torch.tensor(7.0),
         "empty": torch.empty(0, 3), "row": base[2], "whole": base}
case("views.pth", views, views)
case("views-legacy.pth", views, views, _use_new_zipfile_serialization=False)
kinds = {str(dtype).removeprefix("torch."): numbers(3).abs().to(dtype) for dtype in (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.complex64, torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2)}


class Unsigned:
    """As later versions save unsigned integers, which 2.4 cannot."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        tensor = self.tensor
        return torch._utils._rebuild_tensor_v3, (tensor.untyped_storage(), 0, tuple(tensor.shape), tensor.stride(), False,
                                                 collections.OrderedDict(), tensor.dtype)


unsigned = {name: torch.tensor([1, 2, 3], dtype=getattr(torch, name)) for name in ("uint16", "uint32", "uint64")}
case("types.pth", {**kinds, **{name: Unsigned(value) for name, value in unsigned.items()}}, {**kinds, **unsigned})
kinds = {key: value for key, value in kinds.items() if not key.startswith("float8")}
case("types-legacy.pth", kinds, kinds, _use_new_zipfile_serialization=False)
case("tied.pth", {"a": base, "b": base, "c": base[0]}, {"a": base, "b": base, "c": base[0]})


class Tagged(torch.Tensor):
    pass


tagged = numbers(2).as_subclass(Tagged)
tagged.note = "a subclass with an attribute"
parameter = nn.Parameter(numbers(2))
parameter.note = {"init": "zeros"}
subclasses = {"tagged": tagged, "parameter": parameter, "plain": nn.Parameter(numbers(3), requires_grad=False)}
case("subclasses.pth", subclasses, subclasses)
others = {
    "sparse": numbers(2, 2).to_sparse(), "csr": numbers(2, 2).to_sparse_csr(), "meta": torch.empty(3, device="meta"),
    "quantized": torch.quantize_per_tensor(numbers(2), 0.1, 0, torch.qint8), "weight": numbers(2),
    "nested": torch.nested.nested_tensor([numbers(2), numbers(3)]),
}
case("other-kinds.pth", others, {
    "sparse": "a sparse tensor", "csr": "a sparse tensor", "meta": "a tensor without values (device `meta`)",
    "quantized": "a quantized tensor", "weight": numbers(2), "nested": "a nested tensor"})
turned = torch.complex(numbers(3), numbers(3)).conj()
neg = "PyTorch's neg bit, to be saved with `.resolve_neg()`"
for buffer, save in (("negative-bit.pth", {}), ("negative-bit-legacy.pth", {"_use_new_zipfile_serialization": False})):
    assert turned.imag.is_neg()
    case(buffer, {"turned": turned.imag, "plain": turned.real, "parameter": nn.Parameter(turned.imag), "weight": numbers(2)},
         {"turned": neg, "plain": turned.real, "parameter": neg, "weight": numbers(2)}, **save)
arrays = {"c": np.arange(6, dtype=np.float32).reshape(2, 3), "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
          "big": np.arange(3, dtype=">i4"), "bytes": np.arange(200, 256, dtype=np.uint8)}
extra = {"scalar": np.float64(0.5), "texts": np.array(["a", "b"]), "objects": np.array([None, {}], dtype=object)}
other_array = "an array of numpy of another kind"
for protocol in (2, 4, 5):
    case(f"numpy-{protocol}.pth", {"weight": numbers(2), **arrays, **extra},
         {"weight": numbers(2), **arrays, "texts": other_array, "objects": other_array}, pickle_protocol=protocol)

# Python objects beside a state dict.


class EasyDict(dict):
    def __init__(self, content=(), **more):
        for key, value in {**dict(content), **more}.items():
            setattr(self, key, value)

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        super().__setitem__(name, value)


class Munch(dict):
    def __init__(self, *content, **more):
        super().__init__(*content, **more)
        self.__dict__ = self


@dataclasses.dataclass
class Config:
    width: int = 64
    betas: tuple = (0.9, 0.999)


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Ema:
    def __init__(self, model):
        self.decay = 0.999
        self.shadow = {key: value.clone() for key, value in model.state_dict().items()}


class Colour(enum.Enum):
    RED = 1


class Reduced:
    def __reduce__(self):
        return (Reduced, (), None, iter([1, 2]), iter([("k", 1)]))

    def append(self, value):
        pass

    def __setitem__(self, key, value):
        pass


class NewArguments:
    def __new__(cls, *arguments, **named):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (1, 2), {"three": 3}


Pair = collections.namedtuple("Pair", "first second")
weights = prefixed("state_dict", state)


def beside(name, extra, more=None, **options):
    content = {"before": 1, **extra, "state_dict": state, "after": [1.5, None]}
    case(f"beside-{name}.pth", content, {**(more or {}), **weights}, **options)


history = collections.defaultdict(list, loss=[1.0, 2.0])
beside("defaultdict", {"history": history})
beside("defaultdict-nested", {"d": collections.defaultdict(collections.Counter, {"a": collections.Counter("abc")})})
beside("deque", {"queue": collections.deque([1, 2, 3], maxlen=5), "chain": collections.ChainMap({"a": 1})})
beside("sets", {"set": {1, 2, "a"}, "frozen": frozenset([(1, 2), "b"]), "empty": set()})
beside("sets-4", {"set": {1, 2, "a"}, "frozen": frozenset([(1, 2), "b"]), "empty": set()}, pickle_protocol=4)
beside("keys", {"d": {(1, "a"): 1, 2: 2, None: 3, True: 4, 1.5: 5, b"bytes": 6, frozenset([1]): 7, Colour.RED: 8}})
beside("tensor-keys", {"d": {(1, "a"): numbers(1), 2: numbers(2), "2": numbers(3)}},
       {"d.(1, a)": numbers(1), "d.2": numbers(2), "d.2 (2)": numbers(3)})
attributed = collections.OrderedDict(a=1)
attributed._metadata = {"": {"version": 1}}
attributed.tensor = numbers(2)
beside("ordered-attributes", {"o": attributed}, {"o.tensor": (numbers(2), "object collections.OrderedDict")})
beside("easy-dict", {"args": EasyDict(lr=0.1, nested=EasyDict(w=numbers(2)))}, {"args.nested.w": numbers(2)})
beside("munch", {"args": Munch(lr=0.1, w=numbers(2))}, {"args.w": numbers(2)})
beside("namespace", {"args": argparse.Namespace(lr=0.1, gpu=None), "simple": types.SimpleNamespace(a=1)})
beside("dataclass", {"config": Config(), "pair": Pair(1, [2])})
beside("namedtuple", {"pair": Pair(numbers(1), 2)}, {"pair.0": (numbers(1), "object __main__.Pair")})
beside("slots", {"slots": Slots(1, numbers(2))}, {"slots.b": (numbers(2), "object __main__.Slots")})
beside("ema", {"ema": Ema(net)}, {
    f"ema.shadow.{key}": (value, "object __main__.Ema") for key, value in state.items()})
beside("values", {
    "path": pathlib.PurePosixPath("/a/b"), "date": datetime.datetime(2020, 1, 2), "decimal": decimal.Decimal("1.5"),
    "complex": 1 + 2j, "bytes": bytes(range(256)), "array": bytearray(b"abc"), "int": 10**30, "negative": -(10**30),
    "range": range(3), "slice": slice(1, 2), "uuid": uuid.UUID(int=5), "fraction": fractions.Fraction(1, 3),
    "ellipsis": ..., "type": int, "function": functools.partial(int, base=2), "colour": Colour.RED,
    "delta": datetime.timedelta(days=1), "error": ValueError("x"), "text": "\u00e9\U0001f600"})
beside("long-text", {"long": "x" * 70_000}, save=rezip)
beside("torch-values", {"size": torch.Size([1, 2]), "device": torch.device("cuda", 1), "dtype": torch.float16, "rng": torch.zeros(3, dtype=torch.uint8)},
       {"rng": torch.zeros(3, dtype=torch.uint8)})
beside("reduced", {"r": Reduced(), "n": NewArguments()})
beside("reduced-4", {"r": Reduced(), "n": NewArguments()}, pickle_protocol=4)
copyreg.add_extension("__main__", "Colour", 77)
copyreg.add_extension("__main__", "Config", 0x1234)
beside("extension", {"c": Colour.RED, "d": Config()})
copyreg.remove_extension("__main__", "Colour", 77)
copyreg.remove_extension("__main__", "Config", 0x1234)
loop = {"w": numbers(2)}
loop["self"] = loop
cycle = [loop]
cycle.append(cycle)
beside("cycles", {"loop": loop, "cycle": cycle}, {"loop.w": numbers(2), "cycle.0.w": numbers(2)})
beside("shared", {"again": state}, prefixed("again", state))
optimizer = torch.optim.Adam(net.parameters())
net.net(torch.ones(4, 3)).sum().backward()
optimizer.step()
state = collections.OrderedDict((key, value.clone()) for key, value in net.state_dict().items())
weights = prefixed("state_dict", state)
moments = {}
for index, values in optimizer.state_dict()["state"].items():
    moments.update({f"optimizer.state.{index}.{key}": value for key, value in values.items()})
beside("optimizer-state", {"optimizer": optimizer.state_dict()}, moments)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
beside("scheduler", {"scheduler": scheduler.state_dict()})

# Whole modules.
in_module = {key: (value, "module __main__.Net") for key, value in net.state_dict().items()}
for buffer, save in (("module.pth", {}), ("module-legacy.pth", {"_use_new_zipfile_serialization": False})):
    fresh = Net()
    fresh.load_state_dict(net.state_dict())
    fresh.plain = numbers(2)
    tensors = {**in_module, "scratch": (torch.zeros(5), "object __main__.Net"),
               "plain": (numbers(2), "object __main__.Net")}
    case(buffer, fresh, tensors, **save)
case("module-parallel.pth", nn.DataParallel(nn.Linear(2, 1)).requires_grad_(False).apply(
    lambda module: isinstance(module, nn.Linear) and (nn.init.ones_(module.weight), nn.init.zeros_(module.bias))),
    {"module.weight": (torch.ones(1, 2), "module torch.nn.parallel.data_parallel.DataParallel"),
     "module.bias": (torch.zeros(1), "module torch.nn.parallel.data_parallel.DataParallel")})
layer = nn.Linear(2, 1)
nn.init.ones_(layer.weight)
nn.init.zeros_(layer.bias)
case("module-in-dictionary.pth", {"epoch": 1, "model": layer},
     {"model.weight": (torch.ones(1, 2), "module torch.nn.modules.linear.Linear"),
      "model.bias": (torch.zeros(1), "module torch.nn.modules.linear.Linear")})
(out / "expected.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")
total = sum(path.stat().st_size for path in out.iterdir())
print(f"{len(expected)} files, {total} bytes")
