//! The readers under trial: what their files are, and how one is read to its end.

use std::fs;
use std::path::{Path, PathBuf};

use zview_contrastive::train::Recipe;
use zview_data::view_shards::{ShardOptions, ViewShards};
use zview_data::{ColorMode, LoadOptions, PackOptions, Split, inspect, load, of_bytes, pack};
use zview_encoder::load_encoder;
use zview_experiment::comparison::ComparisonConfig;
use zview_generator::Manifest;
use zview_generator::training::GeneratorTraining;
use zview_network::weights::StateDict;
use zview_probe::suite::SuiteConfig;
use zview_runtime::config::read_toml;
use zview_runtime::device::cpu;
use zview_runtime::seed::Stream;

use crate::containers::{repair_png, repair_tar, stored_members, zip_of};
use crate::corpus::{Golden, ends_with, golden_files};
use crate::damage::damaged;
use crate::trial::Reader;

const EVERYWHERE: &[&str] = &["tests", "crates", "configs"];

fn as_it_is(_: &Golden, _: &mut Vec<u8>, _: &[&[u8]], _: &mut Stream) {}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// Every tensor of a weights file.
fn read_tensors(path: &Path, within: Option<&str>) -> bool {
    let Ok(mut state) = StateDict::read(path, within) else { return false };
    for key in state.keys() {
        let _ = state.take(&key.key, &key.shape);
        let _ = state.take_integers(&key.key, &key.shape);
    }
    true
}

/// Files of `torch.save`.
pub fn pytorch() -> Reader {
    Reader {
        corpus: golden_files(EVERYWHERE, ends_with(&[".pth", ".pt"])),
        text: false,
        finish: |golden, bytes, others, random| {
            // Half of the damage to a zip archive is done to one of its members, most often to the pickle.
            let Some(mut members) = stored_members(&golden.bytes).filter(|_| random.chance(0.7)) else {
                return;
            };
            let pickle = members.iter().position(|(name, _)| name.ends_with("data.pkl"));
            let any = random.below(members.len().max(1) as u64) as usize;
            let which = pickle.filter(|_| random.chance(0.8)).unwrap_or(any);
            let Some((_, content)) = members.get_mut(which) else { return };
            *content = damaged(content, others, false, random);
            *bytes = zip_of(&members);
        },
        read: Box::new(|folder, _, bytes| {
            let path = write(folder, "weights.pth", bytes);
            let plain = read_tensors(&path, None);
            read_tensors(&path, Some("state_dict")) || plain
        }),
    }
}

/// safetensors.
pub fn safetensors() -> Reader {
    Reader {
        corpus: golden_files(EVERYWHERE, ends_with(&[".safetensors"])),
        text: false,
        finish: |_, bytes, _, random| {
            // The header's length may fit what the header became.
            if random.chance(0.5)
                && let Some(end) = bytes.iter().rposition(|&byte| byte == b'}')
                && end >= 8
            {
                bytes[..8].copy_from_slice(&(end as u64 - 7).to_le_bytes());
            }
        },
        read: Box::new(|folder, _, bytes| read_tensors(&write(folder, "weights.safetensors", bytes), None)),
    }
}

/// Encoders: networks as large as the file says.
pub fn encoders() -> Reader {
    let device = cpu("a test").device;
    Reader {
        corpus: golden_files(&["tests/formats"], ends_with(&["encoder.safetensors"])),
        read: Box::new(move |folder, _, bytes| {
            load_encoder(&write(folder, "encoder.safetensors", bytes), &device).is_ok()
        }),
        ..safetensors()
    }
}

/// Both splits of a data set, and what is said of it.
fn read_data(path: &Path, color: ColorMode) -> bool {
    let name = path.to_str().unwrap();
    let options = LoadOptions { color, max_reject_share: 1.0, ..LoadOptions::default() };
    let [train, test] = [Split::Train, Split::Test].map(|split| load(name, split, &options).is_ok());
    let _ = inspect(name, &options);
    train || test
}

/// IDX files of images and labels.
pub fn idx() -> Reader {
    let corpus = golden_files(&["tests/mutations/corpus"], ends_with(&[".idx1", ".idx3", ".idx4"]));
    let (images, labels) = (content(&corpus, "images.idx3"), content(&corpus, "labels.idx1"));
    Reader {
        corpus,
        text: false,
        finish: as_it_is,
        read: Box::new(move |folder, golden, bytes| {
            let of_labels = golden.name.starts_with("labels");
            let (images, labels) =
                if of_labels { (images.as_slice(), bytes) } else { (bytes, labels.as_slice()) };
            for split in ["train", "t10k"] {
                write(folder, &format!("idx/{split}-images-idx3-ubyte"), images);
                write(folder, &format!("idx/{split}-labels-idx1-ubyte"), labels);
            }
            read_data(&folder.join("idx"), ColorMode::AsStored)
        }),
    }
}

fn content(corpus: &[Golden], name: &str) -> Vec<u8> {
    corpus.iter().find(|golden| golden.name == name).map(|golden| golden.bytes.clone()).unwrap()
}

/// CIFAR's binary files.
pub fn cifar_binary() -> Reader {
    Reader {
        corpus: golden_files(&["tests/mutations/corpus"], ends_with(&["cifar10.bin"])),
        text: false,
        finish: as_it_is,
        read: Box::new(|_, _, bytes| of_bytes::cifar_binary_batch(bytes).is_ok()),
    }
}

/// CIFAR's Python batches.
pub fn cifar_python() -> Reader {
    Reader {
        corpus: golden_files(&["tests/mutations/corpus"], ends_with(&[".pickle"])),
        text: false,
        finish: as_it_is,
        read: Box::new(|_, golden, bytes| {
            let is_ten = golden.name == "cifar10.pickle";
            let label_key = if is_ten { "labels" } else { "fine_labels" };
            of_bytes::cifar_python_batch(bytes, label_key).is_ok()
        }),
    }
}

/// PNG, JPEG, WebP, GIF and BMP.
pub fn image_files() -> Reader {
    Reader {
        corpus: golden_files(
            &["tests/mutations/corpus"],
            ends_with(&[".png", ".jpg", ".webp", ".gif", ".bmp"]),
        ),
        text: false,
        finish: |golden, bytes, _, random| {
            if golden.name.ends_with(".png") && random.chance(0.9) {
                repair_png(bytes);
            }
        },
        read: Box::new(|_, _, bytes| of_bytes::picture(bytes).is_ok()),
    }
}

/// Archives of a labelled data set.
pub fn tar_files() -> Reader {
    Reader {
        corpus: golden_files(&["tests/mutations/corpus"], ends_with(&[".tar"])),
        text: false,
        finish: |_, bytes, _, random| {
            if random.chance(0.9) {
                repair_tar(bytes);
            }
        },
        read: Box::new(|folder, _, bytes| read_data(&write(folder, "data.tar", bytes), ColorMode::AsStored)),
    }
}

/// Data sets that `zview data pack` made, of both channel counts, with names and without.
pub fn packed_files() -> Reader {
    let folder = tempfile::tempdir().unwrap();
    let pictures = golden_files(&["tests/mutations/corpus"], ends_with(&[".idx3", "rgb.png", "grey.png"]));
    for Golden { name, bytes } in &pictures {
        let split = if name.starts_with("grey") { "test" } else { "train" };
        match name.strip_suffix(".idx3") {
            Some(_) => write(folder.path(), "idx/train-images-idx3-ubyte", bytes),
            None => write(folder.path(), &format!("photos/{split}/a/{name}"), bytes),
        };
    }
    let packed = |data: &str| {
        let options = PackOptions {
            load: LoadOptions { size: Some(6), ..LoadOptions::default() },
            ..PackOptions::default()
        };
        let (data, file) = (folder.path().join(data), folder.path().join(format!("{data}.safetensors")));
        pack(data.to_str().unwrap(), &file, &options).unwrap();
        Golden {
            name: file.file_name().unwrap().to_string_lossy().into_owned(),
            bytes: fs::read(file).unwrap(),
        }
    };
    Reader {
        corpus: ["idx", "photos"].map(packed).to_vec(),
        text: false,
        // Most bytes are pixels and spaces, which can be any: the rest of the damage is done to the header.
        finish: |golden, bytes, others, random| {
            let length = u64::from_le_bytes(golden.bytes[..8].try_into().unwrap()) as usize;
            let (header, tensors) = golden.bytes[8..].split_at(length);
            let text = header.trim_ascii_end();
            if random.chance(0.8) {
                let mut header = damaged(text, others, true, random);
                header.resize(header.len().max(length), b' ');
                *bytes = [&(header.len() as u64).to_le_bytes(), header.as_slice(), tensors].concat();
            }
        },
        read: Box::new(|folder, _, bytes| {
            let path = write(folder, "data.safetensors", bytes);
            let name = path.to_str().unwrap();
            let options = LoadOptions { decode: true, ..LoadOptions::default() };
            let mut taken = false;
            for split in [Split::Train, Split::Test] {
                let Ok(set) = load(name, split, &options) else { continue };
                let pixels = set.map(|_, pixels| pixels.iter().map(|&byte| u64::from(byte)).sum::<u64>());
                assert_eq!(pixels.unwrap().len(), set.len());
                let _named = (0..set.len()).filter_map(|image| set.name_of(image)).count();
                taken = true;
            }
            let _ = inspect(name, &options);
            taken
        }),
    }
}

/// Archives of views.
pub fn view_shards() -> Reader {
    Reader {
        read: Box::new(|folder, _, bytes| {
            let path = write(folder, "views.tar", bytes);
            let Ok(shards) = ViewShards::open(&path, &ShardOptions::default()) else { return false };
            let views = shards.views(0).min(4);
            let mut pixels = vec![0.0; views * shards.shape().bytes()];
            let _ = shards.read(0, &(0..views).collect::<Vec<_>>(), &mut pixels);
            true
        }),
        ..tar_files()
    }
}

fn toml_files(corpus: Vec<Golden>, read: impl Fn(&Path) -> bool + 'static) -> Reader {
    Reader {
        corpus,
        text: true,
        finish: as_it_is,
        read: Box::new(move |folder, _, bytes| read(&write(folder, "file.toml", bytes))),
    }
}

/// Manifests of generators.
pub fn manifests() -> Reader {
    let corpus = golden_files(&["configs/generators", "assets/generators"], |path| {
        path.extension().is_some_and(|extension| extension == "toml")
            && !path.components().any(|part| part.as_os_str() == "train")
    });
    toml_files(corpus, |path| Manifest::read(path).is_ok())
}

/// Recipes of encoders.
pub fn recipes() -> Reader {
    let corpus = golden_files(&["configs", "tests/formats"], |path| {
        let text = path.to_string_lossy().replace('\\', "/");
        text.ends_with(".toml")
            && !text.contains("/generators/")
            && (!text.contains("/studies/") || text.contains("/recipes/"))
    });
    toml_files(corpus, |path| Recipe::load(path, &[]).is_ok())
}

/// Recipes of generators.
pub fn generator_recipes() -> Reader {
    let corpus = golden_files(&["configs/generators/train"], ends_with(&[".toml"]));
    toml_files(corpus, |path| GeneratorTraining::load(path, &["train.steps=3".to_owned()]).is_ok())
}

/// What `zview probe --config` reads.
pub fn evaluations() -> Reader {
    let text = toml::to_string(&SuiteConfig::default()).unwrap();
    let golden = Golden { name: "evaluation.toml".to_owned(), bytes: text.into_bytes() };
    toml_files(vec![golden], |path| read_toml::<SuiteConfig>(path).is_ok())
}

/// What `zview compare` reads.
pub fn comparisons() -> Reader {
    let corpus = golden_files(&["configs/studies"], |path| {
        let text = path.to_string_lossy().replace('\\', "/");
        text.ends_with(".toml") && !text.contains("/recipes/")
    });
    toml_files(corpus, |path| read_toml::<ComparisonConfig>(path).is_ok())
}
