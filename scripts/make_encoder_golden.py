#!/usr/bin/env python3
"""Makes the golden files of encoders of other origin with timm and torchvision, in double precision.

    python3 scripts/make_encoder_golden.py    # writes crates/encoder/tests/golden/foreign/

Needs torch, torchvision, timm (made with 2.4.1, 0.19.1, 1.0.31) and safetensors. Each NAME.safetensors is a state dict of random
half-precision weights, as the library names it; features.safetensors has for each `NAME.SIDE`, the features that the library
computes of two images of that side, whose value i is (37 i mod 101) / 101. kinds/ has networks with a tensor that cannot be read.
"""

import pathlib
from functools import partial

import torch
from safetensors.torch import load_file, save_file
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.vision_transformer import VisionTransformer
from torchvision.models import VisionTransformer as TorchvisionVit

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "crates/encoder/tests/golden/foreign"
SIDE, PATCH, WIDTH = 12, 4, 16
golden = {}


def randomise(model):
    """Every parameter matters, biases, norms and statistics too; all are numbers of 16 bits."""
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn_like(tensor)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + noise.abs())
        elif tensor.ndim == 1 and name.endswith("weight"):
            tensor.copy_(1 + 0.2 * noise)
        elif tensor.ndim == 4:
            tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
        else:
            tensor.copy_(tensor + 0.2 * noise)
        tensor.copy_(tensor.half().to(tensor.dtype))
    return model.double().eval()


def save(name, state, compute, sides):
    # What is not a number of 16 bits any more (DINOv2's class token without its place) keeps 32.
    stored = {key: value.half() if value.is_floating_point() and torch.equal(value.half().to(value.dtype), value) else value.float() if value.is_floating_point() else value for key, value in state.items()}
    save_file(stored, FOLDER / f"{name}.safetensors")
    for side in sides:
        x = (37 * torch.arange(2 * 3 * side * side) % 101).double().reshape(2, 3, side, side) / 101
        with torch.no_grad():
            features = compute(x)
        golden[f"{name}.{side}"] = features.float()
        print(name, side, tuple(features.shape), features.std().item())


def vit(name, sides=(SIDE,), rename=lambda state: state, **settings):
    torch.manual_seed(len(golden))
    settings = dict(img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=2, num_heads=2, mlp_ratio=2, num_classes=0) | settings
    model = randomise(VisionTransformer(dynamic_img_size=len(sides) > 1, **settings))
    save(name, rename(dict(model.state_dict())), model, sides)


def dinov2(state):
    """timm's names and tokens as DINOv2's authors have them, trained in chunks of blocks."""
    state = {key.replace("blocks.0.", "blocks.0.0.").replace("blocks.1.", "blocks.1.1."): value for key, value in state.items()}
    state["register_tokens"] = state.pop("reg_token")
    place = 0.2 * torch.randn(1, 1, WIDTH).double()
    state["pos_embed"] = torch.cat([place, state["pos_embed"]], 1)
    state["cls_token"] = state["cls_token"] - place
    state["mask_token"] = torch.zeros(1, WIDTH)
    return state


def transformers(state):
    """timm's names as Hugging Face's transformers has them."""
    names = {"cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings"}
    renamed = {}
    for key, value in state.items():
        key = names.get(key, key).replace("patch_embed.proj", "embeddings.patch_embeddings.projection")
        key = key.replace("blocks.", "encoder.layer.").replace("norm1", "layernorm_before").replace("norm2", "layernorm_after")
        key = key.replace("attn.proj", "attention.output.dense").replace("mlp.fc1", "intermediate.dense").replace("mlp.fc2", "output.dense")
        key = "layernorm" + key[4:] if key.startswith("norm.") else key
        if ".attn.qkv." in key:
            for part, name in zip(value.chunk(3), ("query", "key", "value")):
                renamed[key.replace("attn.qkv", f"attention.attention.{name}")] = part.clone()
        else:
            renamed[key] = value
    return renamed | {"pooler.dense.weight": torch.zeros(WIDTH, WIDTH), "pooler.dense.bias": torch.zeros(WIDTH)}


def resnet(name, block, layers, sides=(32, 27), **settings):
    torch.manual_seed(len(golden))
    model = randomise(ResNet(block, layers, num_classes=0, channels=(4, 6, 8, 10), **settings))
    save(name, dict(model.state_dict()), model, sides)


def kinds():
    """`mean-of-patches` with one tensor that has no plain values, as PyTorch saves it."""
    state = load_file(FOLDER / "mean-of-patches.safetensors")
    name = "blocks.0.attn.qkv.weight"
    plain = state[name].float()
    others = dict(
        meta=plain.to("meta"),
        sparse=plain.to_sparse(),
        quantised=torch.quantize_per_tensor(plain, 0.1, 0, torch.qint8),
        float8=plain.to(torch.float8_e4m3fn),
        complex=plain.to(torch.complex64),
    )
    folder = FOLDER / "kinds"
    folder.mkdir(exist_ok=True)
    for kind, tensor in others.items():
        torch.save(state | {name: tensor}, folder / f"{kind}.pth")
    save_file(state | {name: others["float8"]}, folder / "float8.safetensors")


def main():
    FOLDER.mkdir(exist_ok=True, parents=True)
    clip = partial(torch.nn.LayerNorm, eps=1e-5)
    vit("layer-scale", init_values=0.5, reg_tokens=3, pre_norm=True, norm_layer=clip, sides=(SIDE, 8, 20))
    vit("registers-without-place", init_values=0.5, reg_tokens=3, no_embed_class=True, sides=(SIDE, 24))
    vit("qk-norm", qk_norm=True, qkv_bias=False)
    vit("fc-norm", class_token=False, global_pool="avg")
    vit("fc-norm-class-token", global_pool="avg", mlp_ratio=4)
    vit("mean-of-patches", class_token=False, global_pool="avg", fc_norm=False)
    vit("no-final-norm", final_norm=False, sides=(SIDE, 16))
    vit("dinov2", init_values=0.5, reg_tokens=4, no_embed_class=True, rename=dinov2)
    vit("transformers", norm_layer=partial(torch.nn.LayerNorm, eps=1e-12), rename=transformers)
    torch.manual_seed(1)
    model = TorchvisionVit(image_size=SIDE, patch_size=PATCH, num_layers=2, num_heads=2, hidden_dim=WIDTH, mlp_dim=32)
    model.heads = torch.nn.Identity()
    model = randomise(model)
    save("torchvision", dict(model.state_dict()), model, (SIDE,))
    resnet("resnet-d", Bottleneck, [1, 2, 1, 1], stem_type="deep", stem_width=4, avg_down=True)
    resnet("resnet-c", BasicBlock, [1, 1, 2, 1], stem_type="deep", stem_width=4)
    se = dict(attn_layer="se")
    resnet("se-resnet", BasicBlock, [2, 1, 1, 1], stem_type="deep", stem_width=4, avg_down=True, block_args=se)
    resnet("eca-resnet", Bottleneck, [1, 1, 1, 1], stem_type="deep", stem_width=4, block_args=dict(attn_layer="eca"))
    resnet("resnext", Bottleneck, [1, 1, 1, 1], cardinality=2, base_width=32, stem_type="deep", stem_width=4)
    resnet("wide-resnet", Bottleneck, [1, 1, 1, 1], base_width=96, stem_type="deep", stem_width=4)
    save_file(golden, FOLDER / "features.safetensors")
    kinds()


if __name__ == "__main__":
    main()
