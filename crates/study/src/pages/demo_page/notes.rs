//! The page's text about what is expected, what is not shown, how to repeat it, and where it ran.

use maud::{Markup, html};
use zview_report::facts::facts;
use zview_report::numbers::thousands;
use zview_report::shell::shell;

use super::DemoPage;
use zview_probe::suite::page::machine::{platform, versions};

/// What should happen with more of everything: expectations with their sources, nothing measured.
pub(super) fn expectations(page: &DemoPage<'_>) -> Markup {
    let train = &page.recipe.train;
    let anchors = train.steps as usize * train.batch;
    let visits = anchors as f64 / page.train_images.max(1) as f64;
    let visits = if visits < 1.0 { format!("{visits:.2}") } else { format!("{visits:.1}") };
    html! {
        p { "This is expected from published work; this run has not measured it." }
        ul {
            li {
                b { "More steps. " }
                "Contrastive learning gains from longer training (SimCLR, arXiv 2002.05709, figure 9), so all "
                "trained arms should move further from " code { "random" } ". Here the arm " code { "real" }
                " came to each of its " (thousands(page.train_images)) " images " (visits) " times; the generator "
                "gave a new sample for each of the " (thousands(anchors)) " anchors. The more steps, the more "
                "often real images repeat, while samples do not; in the paper that this follows (arXiv 2106.05258) "
                "more samples keep helping, at a falling rate."
            }
            li {
                b { "A wider or deeper encoder. " }
                "Larger encoders gain more from contrastive learning (SimCLR, figure 7); this one has width "
                (page.recipe.encoder.width) ", the published ResNets 64."
            }
            li {
                b { "Another step in latent space. " }
                "Accuracy first rises with the standard deviation and then falls (arXiv 2106.05258): too small a step "
                "adds nothing to pixel augmentation, too large a one leaves the thing itself."
            }
            li {
                b { "A better generator. " }
                "What it does not draw cannot be learnt from it; the paper reports encoders that rival those of real images "
                "for generators of high quality."
            }
            li {
                b { "More test data. " }
                "Intervals shrink with the square root of the number of " (page.summary.comparison.intervals.unit)
                "; the differences themselves are not expected to change with it."
            }
        }
    }
}

/// What this comparison does not show.
pub(super) fn limits(page: &DemoPage<'_>) -> Markup {
    let comparison = &page.summary.comparison;
    html! {
        ul {
            li {
                "One seed (" (comparison.seed) "). The intervals are " (comparison.intervals.in_words())
                ": they say how the accuracies would vary with other test images, not with other initial weights, "
                "batches or samples. The README has a table over three seeds, made by "
                code { "scripts/demo_table.py" } "."
            }
            @if comparison.intervals.kind == "image-bootstrap" {
                li {
                    "Every test image counts as independent of the others. Where several belong together (one "
                    "typeface, one writer) the intervals are too narrow."
                }
            }
            li {
                "Every difference has its own 95 % interval; nothing is corrected for there being several."
            }
            li {
                "Equal updates are not equal time, nor equally many different images. The seconds are in the table."
            }
            li {
                "The generator was itself trained on images; its manifest names their source. Compared are learning "
                "from it and learning from images, not learning from no images at all. The probes of every arm learn "
                "from the same real labelled images."
            }
            @if let Some(classes) = page.generator_classes {
                li {
                    "The generator " code { (page.generator) } " draws on request one of " (classes) " classes, so the labels "
                    "of its training images are in it, and the views of one anchor share their class. The arm "
                    code { "real" } " sees no labels. " code { "--generator" } " names another generator, such as one "
                    "without classes."
                }
            }
            li {
                "Small images, a small encoder and few steps, so that it takes minutes without a GPU. It says little "
                "about photographs."
            }
        }
    }
}

/// The commands that repeat every number.
pub(super) fn commands(page: &DemoPage<'_>) -> Markup {
    let DemoPage { recipe, more, .. } = page;
    html! {
        p { "This page (finished arms are kept; another " code { "--out" } " starts afresh):" }
        (shell(&page.command))
        p {
            "Each arm, from the folder in which the demo ran; on the CPU with the same numbers. "
            code { "zview probe" } " gives its intervals over single test images."
        }
        @for arm in &page.arms {
            h3 { (arm.result.name) }
            (shell(&arm.train_command))
            (shell(&arm.probe_command))
        }
        h3 { "The generator's views" }
        (shell(&page.sample_command))
        h3 { "Longer, with a wider encoder" }
        (shell(&format!(
            "zview demo{} --set train.steps={} --set encoder.width={} --out runs/demo-longer",
            more.iter().map(|word| format!(" {word}")).collect::<String>(),
            10 * recipe.train.steps,
            2 * recipe.encoder.width
        )))
        h3 { "Three seeds" }
        (shell(&format!(
            "python3 scripts/demo_table.py --seeds 0 1 2 --out runs/demo-table{}",
            if more.is_empty() { String::new() } else { format!(" -- {}", more.join(" ")) }
        )))
    }
}

/// The machine and the versions.
pub(super) fn machine(page: &DemoPage<'_>) -> Markup {
    let environment = &page.environment;
    let device = &environment.device;
    let mut devices: Vec<&str> = page.arms.iter().map(|arm| arm.result.training.device.as_str()).collect();
    devices.dedup();
    let probing: f64 = page.arms.iter().map(|arm| arm.result.probe_seconds).sum();
    let mut list = vec![("Device", format!("{} ({})", device.name, device.reason))];
    if devices != [device.name.as_str()] {
        list.push(("Arms were trained on", devices.join(", ")));
    }
    let parameters = page.arms.first().map_or(0, |arm| arm.result.training.encoder_parameters);
    list.extend([
        ("Platform", platform(&environment.platform, environment.threads)),
        ("Versions", versions(&environment.zview, environment.burn)),
        ("Seed", page.summary.comparison.seed.to_string()),
        ("Time", format!("{:.0} s for this command, of it {probing:.0} s probing", page.summary.seconds)),
        ("Encoder", format!("{} parameters", thousands(parameters))),
    ]);
    facts(&list)
}
