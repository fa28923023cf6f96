//! Encoders to Python and back: torchvision and timm load exports strictly and compute the same features, and an encoder
//! starts from their checkpoints (`scripts/check_export.py`). Needs a Python with torch, torchvision, timm, pillow and
//! safetensors:
//! `ZVIEW_PYTHON`, else `python3`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::{Device, Tensor, TensorData};
use zview_data::ImageShape;
use zview_encoder::{
    Architecture, Encoder, EncoderConfig, FrozenEncoder, Pool, Stem, export_encoder, load_encoder,
};
use zview_network::weights::StateDict;
use zview_network::{Mode, NamedTensors, write_tensors};
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};
use zview_runtime::testing;

const TOLERANCE: f32 = 1e-4;
const BATCH: usize = 2;

fn python() -> Option<PathBuf> {
    testing::python(&["torch", "torchvision", "timm", "safetensors"])
}

fn check_export(python: &Path, arguments: &[&Path]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check_export.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn images(batch: usize, shape: ImageShape) -> Tensor<4> {
    let ImageShape { channels, height, width } = shape;
    let random = &mut Stream::new(0, Purpose::Check, 0, 0);
    let pixels: Vec<f32> = (0..batch * channels * height * width).map(|_| random.uniform()).collect();
    Tensor::from_data(TensorData::new(pixels, [batch, channels, height, width]), &Device::flex())
}

fn made(config: &EncoderConfig, shape: ImageShape) -> Encoder {
    let random = &mut Stream::new(0, Purpose::Weights, 0, 0);
    Encoder::new(config, shape, random, &Device::flex()).unwrap()
}

#[test]
fn python_loads_exports_strictly_and_computes_the_same_features() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let shape = |channels, side| ImageShape { channels, height: side, width: side };
    let default = EncoderConfig::default;
    let vit = |pool| EncoderConfig {
        arch: Architecture::Vit,
        width: 48,
        depth: Some(3),
        heads: Some(3),
        pool: Some(pool),
        ..default()
    };
    let resnet = |arch, width| EncoderConfig { arch, width, ..default() };
    let published = EncoderConfig { stem: Stem::Imagenet, ..resnet(Architecture::Resnet18, 64) };
    let cases = [
        ("resnet18", published.clone(), shape(3, 64)),
        ("resnet50", EncoderConfig { arch: Architecture::Resnet50, ..published }, shape(3, 64)),
        (
            "resnet18-narrow",
            EncoderConfig { pixel_mean: 0.4, pixel_std: 0.3, ..resnet(Architecture::Resnet18, 8) },
            shape(3, 32),
        ),
        ("resnet34-narrow", resnet(Architecture::Resnet34, 4), shape(1, 28)),
        ("resnet50-narrow", resnet(Architecture::Resnet50, 4), shape(1, 28)),
        (
            "resnet50-narrow-imagenet",
            EncoderConfig { stem: Stem::Imagenet, ..resnet(Architecture::Resnet50, 8) },
            shape(1, 64),
        ),
        ("conv", EncoderConfig { arch: Architecture::Conv, width: 4, ..default() }, shape(3, 32)),
        ("conv-grey", EncoderConfig { arch: Architecture::Conv, width: 8, ..default() }, shape(1, 27)),
        ("vit", vit(Pool::ClassToken), shape(3, 32)),
        ("vit-mean", EncoderConfig { patch: Some(7), ..vit(Pool::Mean) }, shape(1, 28)),
    ];
    for (name, config, shape) in cases {
        let mut encoder = made(&config, shape);
        let _ = encoder.forward(images(BATCH, shape), Mode::Train); // moves the running statistics
        let file = at(&format!("{name}.safetensors"));
        let exported = export_encoder(&encoder, None, None, &file).unwrap();
        assert_eq!(exported.programs.len(), config.arch.exports().len());
        std::fs::write(at(&format!("{name}.json")), serde_json::to_string(&exported).unwrap()).unwrap();
        let frozen = FrozenEncoder::new(&encoder, &Device::flex());
        let mut reference = NamedTensors::default();
        reference.add("x", images(BATCH, shape)).unwrap();
        reference.add("features", frozen.features(images(BATCH, shape))).unwrap();
        let path = at(&format!("{name}-reference.safetensors"));
        write_tensors(&path, &reference, HashMap::new()).unwrap();
        // What was exported is an encoder for zview too, with everything that its tensors do not say.
        let again = load_encoder(&file, &Device::flex()).unwrap();
        assert_eq!(again.config(), &config.resolved());
        assert_eq!(again.state_sha256().unwrap(), frozen.state_sha256().unwrap());
    }
    check_export(&python, &[Path::new("--check"), folder.path()]);
}

#[test]
fn an_encoder_starts_from_torchvisions_and_timms_checkpoints() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    check_export(&python, &[Path::new("--make"), folder.path()]);
    let resnet = |arch| EncoderConfig { arch, stem: Stem::Imagenet, ..EncoderConfig::default() };
    let vit = EncoderConfig {
        arch: Architecture::Vit,
        width: 192,
        depth: Some(12),
        patch: Some(16),
        ..EncoderConfig::default()
    };
    for (file, name, config) in [
        ("resnet18.pth", "resnet18", resnet(Architecture::Resnet18)),
        ("resnet50.pth", "resnet50", resnet(Architecture::Resnet50)),
        ("vit.safetensors", "vit", vit),
    ] {
        let config = EncoderConfig { pixel_mean: 0.0, pixel_std: 1.0, ..config };
        let shape = ImageShape { channels: 3, height: 64, width: 64 };
        let mut encoder = made(&config, shape);
        let loaded = encoder.load_weights(&folder.path().join(file), None).unwrap();
        assert_eq!(loaded.left_out.len(), 2, "weight and bias of the head: {:?}", loaded.left_out);
        let path = folder.path().join(format!("{name}-reference.safetensors"));
        let mut reference = StateDict::read(&path, None).unwrap();
        let x = reference.take("x", &[BATCH, 3, 64, 64]).unwrap();
        let x = Tensor::from_data(TensorData::new(x, [BATCH, 3, 64, 64]), &Device::flex());
        let got = read_floats(encoder.forward(x, Mode::Evaluate)).unwrap();
        let expected = reference.take("features", &[BATCH, config.feature_dimension()]).unwrap();
        let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        let error = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest;
        println!("{file}: features differ by {error:.1e}");
        assert!(error <= TOLERANCE, "{file}: {error}");
        // A larger network's checkpoint is not taken for a smaller one's.
        if config.arch == Architecture::Vit {
            let mut shallow = made(&EncoderConfig { depth: Some(11), ..config }, shape);
            let error = shallow.load_weights(&folder.path().join(file), None).unwrap_err().to_string();
            assert!(error.contains("its encoder.depth is 12, the recipe's 11"), "{error}");
        }
    }
}
