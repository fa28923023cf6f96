//! The commands with examples, and with those common options that they use.

use clap::{Arg, Command, CommandFactory};

use crate::arguments::Arguments;

/// What the help of a command shows beside its own options.
struct Page {
    /// The command's words.
    path: &'static [&'static str],
    examples: &'static str,
    /// The common options that do nothing there.
    without: &'static [&'static str],
}

const DEVICE: &str = "device";
const SELFCHECK: &str = "selfcheck";
const DATA_DIR: &str = "data_dir";
const MEMORY: &str = "memory";

const PAGES: &[Page] = &[
    Page {
        path: &["demo"],
        examples: "zview demo\n  zview demo --device vulkan --out runs/demo-gpu",
        without: &[],
    },
    Page {
        path: &["devices"],
        examples: "zview devices\n  zview devices --device vulkan:1",
        without: &[SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["data"],
        examples: "zview data list\n  zview data inspect photos/\n  zview data pack photos/ --size 256 -o photos.safetensors",
        without: &[DEVICE, SELFCHECK],
    },
    Page { path: &["data", "list"], examples: "zview data list", without: &[DEVICE, SELFCHECK, DATA_DIR] },
    Page {
        path: &["data", "inspect"],
        examples: "zview data inspect photos/\n  zview data inspect photos/ --size 64 --color rgb",
        without: &[DEVICE, SELFCHECK],
    },
    Page {
        path: &["data", "pack"],
        examples: "zview data pack photos/ --size 256 -o photos.safetensors\n  \
                   zview pretrain photos.safetensors --out runs/photos",
        without: &[DEVICE, SELFCHECK, MEMORY],
    },
    Page {
        path: &["generator"],
        examples: "zview generator list\n  zview generator inspect glyphs-gan --sheet sheet.png",
        without: &[],
    },
    Page {
        path: &["generator", "list"],
        examples: "zview generator list",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["generator", "inspect"],
        examples: "zview generator inspect glyphs-gan --sheet sheet.png",
        without: &[SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["generator", "train"],
        examples: "zview generator train generators/train/glyphs-gan --out runs/gan\n  \
                   zview generator train generators/train/glyphs-gan --set source.data=photos/ --set source.size=32",
        without: &[],
    },
    Page {
        path: &["generator", "directions"],
        examples: "zview generator directions glyphs-gan --method factorised --out directions.safetensors",
        without: &[SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["recipe"],
        examples: "zview recipe list\n  zview recipe show photos > mine.toml\n  zview recipe keys augment",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["recipe", "list"],
        examples: "zview recipe list",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["recipe", "show"],
        examples: "zview recipe show photos > mine.toml",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["recipe", "keys"],
        examples: "zview recipe keys\n  zview recipe keys augment",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["sample"],
        examples: "zview sample --generator glyphs-gan --std 0.1,0.25,0.5 --out views.png\n  \
                   zview sample --generator glyphs-gan --anchors 10000 --per-anchor 2 --shards --out views/",
        without: &[DATA_DIR],
    },
    Page {
        path: &["pretrain"],
        examples: "zview pretrain photos/ --out runs/photos\n  \
                   zview pretrain mnist-real --set source.data=photos/ --set source.size=32 --steps 2000\n  \
                   zview pretrain mine.toml --resume",
        without: &[],
    },
    Page {
        path: &["probe"],
        examples: "zview probe runs/photos --data photos/\n  \
                   zview probe runs/a --protocol linear --protocol fine-tune --keep runs/tuned --report a.html\n  \
                   zview probe runs/a --protocol fine-tune --steps 50 --keep runs/tuned\n  \
                   zview probe resnet50.pth --data photos/ --size 224 --pixels imagenet",
        without: &[],
    },
    Page {
        path: &["embed"],
        examples: "zview embed runs/photos --data photos/ --out features.npy\n  \
                   zview embed resnet50.pth --data new/ --size 224 --pixels imagenet --out features.csv",
        without: &[],
    },
    Page {
        path: &["predict"],
        examples: "zview predict runs/photos --train photos/ --data new/ --out classes.csv\n  \
                   zview predict runs/tuned/photos-photos-seed0.safetensors --data new/",
        without: &[],
    },
    Page {
        path: &["compare"],
        examples: "zview compare studies/inverted-u-glyphs --plan\n  \
                   zview compare studies/inverted-u-glyphs --set train.steps=50 --set 'seeds=[0]'\n  \
                   zview compare mine.toml --jobs 2",
        without: &[],
    },
    Page {
        path: &["export"],
        examples: "zview export runs/photos --out encoder.safetensors\n  \
                   zview export runs/photos --format timm --out encoder.safetensors",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page {
        path: &["log"],
        examples: "zview log runs/photos --follow\n  zview log runs/photos --csv losses.csv --tensorboard tensorboard/",
        without: &[DEVICE, SELFCHECK, DATA_DIR],
    },
    Page { path: &["bench"], examples: "zview bench bench/resnet18-32 --device vulkan", without: &[] },
    Page { path: &["selfcheck"], examples: "zview selfcheck --device vulkan", without: &[SELFCHECK] },
];

/// The command line as it is parsed.
pub fn command() -> Command {
    let mut command = Arguments::command();
    let common: Vec<Arg> =
        command.get_arguments().filter(|argument| argument.is_global_set()).cloned().collect();
    for page in PAGES {
        command = with_page(command, page.path, page, &common);
    }
    with_negative_numbers(command)
}

/// So that `--std -1` is a value out of its range and no option `-1`.
fn with_negative_numbers(command: Command) -> Command {
    let takes_values = |argument: Arg| match argument.get_long() {
        Some(_) if argument.get_action().takes_values() => argument.allow_negative_numbers(true),
        _ => argument,
    };
    command.mut_args(takes_values).mut_subcommands(with_negative_numbers)
}

/// The command below `command` at `path` with its page. Common options that it does not use are parsed and not shown.
fn with_page(command: Command, path: &[&'static str], page: &Page, common: &[Arg]) -> Command {
    let Some((first, rest)) = path.split_first() else {
        let shown = |argument: &Arg| {
            let hidden = argument.is_hide_set() || page.without.contains(&argument.get_id().as_str());
            argument.clone().hide(hidden)
        };
        let command = command.args(common.iter().map(shown));
        return command.after_help(format!("Examples:\n  {}", page.examples));
    };
    if command.find_subcommand(first).is_none() {
        return command;
    }
    command.mut_subcommand(first, |below| with_page(below, rest, page, common))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn a_common_option_is_read_wherever_it_stands() {
        for line in [
            &["zview", "--device", "cpu", "export", "run", "-o", "x.safetensors"][..],
            &["zview", "export", "run", "-o", "x.safetensors", "--device", "cpu"],
            &["zview", "generator", "--device", "cpu", "list"],
            &["zview", "generator", "inspect", "glyphs-gan", "--device", "cpu"],
        ] {
            let matches = command().try_get_matches_from(line).unwrap();
            let arguments = Arguments::from_arg_matches(&matches).unwrap();
            assert_eq!(arguments.common.device.to_string(), "cpu", "{line:?}");
        }
    }

    #[test]
    fn every_command_has_an_example() {
        fn leaves(command: &Command, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
            if command.get_subcommands().next().is_none() {
                found.push(path.clone());
            }
            for below in command.get_subcommands() {
                path.push(below.get_name().to_owned());
                leaves(below, path, found);
                path.pop();
            }
        }
        let mut found = Vec::new();
        leaves(&Arguments::command(), &mut Vec::new(), &mut found);
        for path in found {
            assert!(PAGES.iter().any(|page| page.path == path), "{path:?} has no page");
        }
    }
}
