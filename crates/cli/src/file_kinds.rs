//! What a configuration file is, told by its keys: a file of the wrong kind is named for what it is.

use std::path::Path;

use zview_data::is_packed;
use zview_encoder::is_own_encoder;
use zview_generator::training::TrainingMethod;
use zview_probe::suite::SuiteConfig;
use zview_runtime::config::{shipped, top_keys};
use zview_runtime::file_kind::FileKind;

use crate::failure::Failure;

/// What a command reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A recipe of `zview pretrain`.
    Recipe,
    /// A comparison of `zview compare`.
    Comparison,
    /// A configuration of `zview probe`.
    Evaluation,
    /// A recipe of `zview generator train`.
    GeneratorRecipe,
    /// What describes a generator; other things are drafted from weights.
    Manifest,
    /// An encoder.
    Encoder,
    /// Anything that has a log.
    Run,
}

/// A kind of file.
struct Kind {
    wanted: Wanted,
    what: &'static str,
    /// What to do with it, with `FILE` for its name.
    command: &'static str,
    /// Keys that no other kind has at its top.
    keys: &'static [&'static str],
    /// Those of them that stand in a table.
    more: fn() -> Vec<&'static str>,
}

const KINDS: [Kind; 5] = [
    Kind {
        wanted: Wanted::Comparison,
        what: "a comparison",
        command: "use `zview compare FILE`",
        keys: &["question", "reference", "arms"],
        more: Vec::new,
    },
    Kind {
        wanted: Wanted::Manifest,
        what: "a generator's manifest",
        command: "use `zview generator inspect FILE`, or `zview pretrain FILE` to learn from its views",
        keys: &["architecture", "sha256", "latent", "output", "layers"],
        more: Vec::new,
    },
    Kind {
        wanted: Wanted::GeneratorRecipe,
        what: "a generator's training recipe",
        command: "use `zview generator train FILE`",
        keys: &["method"],
        more: || TrainingMethod::KINDS.iter().map(|(section, _)| *section).collect(),
    },
    Kind {
        wanted: Wanted::Recipe,
        what: "a recipe",
        command: "use `zview pretrain FILE`",
        keys: &["source", "anchors", "views", "augment", "objective", "watch"],
        more: Vec::new,
    },
    Kind {
        wanted: Wanted::Evaluation,
        what: "the configuration of an evaluation",
        command: "use `zview probe ENCODER --config FILE`",
        keys: &["protocols", "outlier_data"],
        more: || SuiteConfig::SECTIONS.to_vec(),
    },
];

impl Wanted {
    fn in_words(self) -> &'static str {
        match self {
            Self::Encoder => "an encoder",
            Self::Run => "a run folder",
            wanted => KINDS.iter().find(|kind| kind.wanted == wanted).map_or("", |kind| kind.what),
        }
    }
}

/// Refuses a file or folder that is known to be of another kind, with the command for it. What is not known at all is for
/// the reader to judge.
pub fn refuse_other_kind(path: &Path, wanted: Wanted) -> Result<(), Failure> {
    let other = |what: &str, command: &str| {
        let command = command.replace("FILE", &path.display().to_string());
        Err(Failure::usage(format!("{} is {what}, not {}: {command}", path.display(), wanted.in_words())))
    };
    if path.is_dir() {
        let of_encoders = [Wanted::Encoder, Wanted::Run].contains(&wanted);
        let is_run = path.join("config.toml").is_file() && path.join("events.jsonl").is_file();
        if wanted == Wanted::Manifest {
            // That of `zview generator train` holds the generator.
            let is_generator = path.join("generator.toml").is_file();
            return match is_run && !is_generator {
                true => other("a run folder", "its encoder is judged by `zview probe FILE`"),
                false => Ok(()),
            };
        }
        return match (of_encoders, is_run) {
            (false, true) => other(
                "a run folder",
                "its recipe is FILE/config.toml (go on with `zview pretrain FILE/config.toml --out FILE --resume`), and \
                 `zview probe FILE` judges its encoder",
            ),
            // The log of a comparison names those of its runs.
            (true, false)
                if wanted == Wanted::Encoder
                    && (path.join("comparison.json").is_file() || path.join("cells").is_dir()) =>
            {
                other("the folder of a comparison", "each run is a folder of its own in FILE/cells")
            }
            _ => Ok(()),
        };
    }
    // A pipe is read once, by its reader; the name of a manifest is that of a generator.
    let is_file = path.is_file() || (wanted != Wanted::Manifest && !path.exists() && shipped(path).is_some());
    if path.is_file()
        && let Some((what, command)) = binary_kind(path, wanted)
    {
        return other(&what, &command);
    }
    let is_text = is_file && (![Wanted::Encoder, Wanted::Run].contains(&wanted) || has_ending(path, "toml"));
    let Some(keys) = is_text.then(|| top_keys(path)).flatten() else { return Ok(()) };
    let counted = KINDS.iter().map(|kind| {
        let own = [kind.keys, &(kind.more)()].concat();
        (keys.iter().filter(|key| own.contains(&&***key)).count(), kind)
    });
    // The first of those with most keys: sections such as [views] may stand in several kinds.
    let best = counted.rev().max_by_key(|(count, _)| *count).filter(|(count, _)| *count > 0);
    match best {
        Some((_, kind)) if kind.wanted != wanted => other(kind.what, kind.command),
        _ => Ok(()),
    }
}

/// What a file that is no text is, and what to do with it, where it is another kind than `wanted`.
fn binary_kind(path: &Path, wanted: Wanted) -> Option<(String, String)> {
    let kind = FileKind::of_file(path).ok()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let command = match (kind, wanted) {
        (FileKind::Safetensors, Wanted::Recipe) if is_packed(path) => return None, // images, for which a recipe is made
        (FileKind::Safetensors | FileKind::PyTorchZip | FileKind::PyTorchLegacy, Wanted::Recipe) => {
            "an encoder is judged by `zview probe FILE`, and a run starts from it with `--set encoder.weights=FILE`; of a \
             generator `zview generator inspect FILE` drafts a manifest"
                .to_owned()
        }
        (
            FileKind::Jpeg | FileKind::Png | FileKind::WebP | FileKind::Gif | FileKind::Bmp,
            Wanted::Recipe,
        ) => format!("give its folder, `zview pretrain {}`", folder.display()),
        (FileKind::Npy | FileKind::Npz, Wanted::Encoder) => {
            "name the run folder or the encoder's file; features that `zview embed` wrote are not read again".to_owned()
        }
        (FileKind::Safetensors, Wanted::Manifest) if is_own_encoder(path) => {
            return Some(("an encoder of zview".to_owned(), "it is judged by `zview probe FILE`".to_owned()));
        }
        _ => return None,
    };
    Some((kind.to_string(), command))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    const FILES: [(&str, Wanted); 5] = [
        ("seed = 1\n[source]\nkind = \"real\"\n", Wanted::Recipe),
        ("question = \"?\"\nreference = \"a\"\nrecipe = \"r\"\n[[arms]]\nname = \"a\"\n", Wanted::Comparison),
        ("data = [\"glyphs\"]\nprotocols = [\"knn\"]\n", Wanted::Evaluation),
        (
            "name = \"x\"\nmethod = \"gan\"\n[source]\ndata = \"x\"\n[train]\nsteps = 1\n",
            Wanted::GeneratorRecipe,
        ),
        (
            "name = \"x\"\nweights = \"w\"\narchitecture = \"dcgan\"\n[latent]\ndimension = 3\n",
            Wanted::Manifest,
        ),
    ];

    #[test]
    fn every_kind_in_place_of_every_other_is_named_with_its_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.toml");
        for (text, kind) in FILES {
            fs::write(&file, text).unwrap();
            for wanted in [
                Wanted::Recipe,
                Wanted::Comparison,
                Wanted::Evaluation,
                Wanted::GeneratorRecipe,
                Wanted::Manifest,
                Wanted::Encoder,
            ] {
                let refused = refuse_other_kind(&file, wanted).is_err();
                assert_eq!(refused, kind != wanted, "{text} for {wanted:?}");
            }
        }
    }

    #[test]
    fn what_comes_with_the_program_is_told_apart_too() {
        zview_runtime::config::ship(crate::shipped_recipes::SHIPPED);
        let refused = |name: &str, wanted| refuse_other_kind(Path::new(name), wanted).is_err();
        assert!(refused("studies/inverted-u-glyphs", Wanted::Recipe));
        assert!(refused("photos", Wanted::Comparison) && !refused("photos", Wanted::Recipe));
        assert!(!refused("generators/train/glyphs-gan", Wanted::GeneratorRecipe));
        for file in crate::shipped_recipes::SHIPPED {
            let kinds = [Wanted::Recipe, Wanted::Comparison, Wanted::GeneratorRecipe];
            let taken = kinds.into_iter().filter(|kind| !refused(file.name, *kind));
            assert_eq!(taken.count(), 1, "{}", file.name);
        }
    }

    #[test]
    fn weights_pictures_and_arrays_are_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let told = |name: &str, bytes: &[u8], wanted| {
            let file = folder.path().join(name);
            fs::write(&file, bytes).unwrap();
            format!("{:?}", refuse_other_kind(&file, wanted).unwrap_err())
        };
        let tensors = b"\x02\0\0\0\0\0\0\0{}";
        assert!(told("a.safetensors", tensors, Wanted::Recipe).contains("encoder.weights="));
        assert!(told("a.jpg", b"\xff\xd8\xff\xe0", Wanted::Recipe).contains("give its folder"));
        assert!(told("a.npy", b"\x93NUMPY\x01\0", Wanted::Encoder).contains("a NumPy array, not an encoder"));
    }

    #[test]
    fn a_run_folder_in_place_of_a_generator_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["config.toml", "events.jsonl"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let told = || format!("{:?}", refuse_other_kind(folder.path(), Wanted::Manifest).unwrap_err());
        assert!(told().contains("a run folder, not a generator's manifest"), "{}", told());
        fs::write(folder.path().join("generator.toml"), "").unwrap();
        assert!(refuse_other_kind(folder.path(), Wanted::Manifest).is_ok(), "a generator that was trained");
    }

    #[test]
    fn what_is_not_known_is_left_to_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.toml");
        for text in ["", "seed = 3\n", "no toml", "data = \"x\"\n[train]\nsteps = 1\n"] {
            fs::write(&file, text).unwrap();
            assert!(refuse_other_kind(&file, Wanted::Recipe).is_ok(), "{text}");
        }
        assert!(refuse_other_kind(&folder.path().join("absent"), Wanted::Recipe).is_ok());
    }
}
