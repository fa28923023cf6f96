//! The choices, each by what is there and with its reason.

use super::{Choice, Images, Machine, Subject};

/// Side of an image that one encoder sees whole, in pixels; larger ones take a stem that shrinks them at once.
const SMALL: usize = 64;
/// Sides that images are brought to where they are larger, in pixels.
const MOST_ON_PROCESSOR: usize = SMALL;
const MOST_ON_ADAPTER: usize = 128;
/// The share of files that cannot be read which is left out unasked.
const MOST_UNREADABLE: f64 = 0.05;
/// The same where only headers were read.
const MOST_UNREADABLE_OF_MANY: f64 = 0.01;
const VIEWS: usize = 2;
/// How often each image is seen, where steps do not bound it.
const EPOCHS: u64 = 100;
const LEAST_STEPS: u64 = 200;
const MOST_STEPS_ON_PROCESSOR: u64 = 1_000;
const MOST_STEPS_ON_ADAPTER: u64 = 20_000;
/// The learning rate that suits batches of 128 anchors; it grows as they do.
const RATE_OF_128: f64 = 0.06;
/// Bytes that a view takes in a step, per pixel and channel of the first layer, of a ResNet-18 (measured: 21).
const BYTES_PER_VALUE: u64 = 100;

/// What is chosen for `subject`; `asked` tells the value of a key that the user has set.
pub(super) fn choices(
    subject: &Subject,
    machine: &Machine,
    asked: &dyn Fn(&str) -> Option<String>,
) -> Vec<Choice> {
    let number = |key: &str| asked(key).and_then(|value| value.parse::<usize>().ok());
    let mut chosen = Vec::new();
    let (side, channels, images) = match subject {
        Subject::Images(images) => {
            let side = of_images(images, machine, number("source.size"), &mut chosen);
            let channels = match asked("source.color").as_deref().map(|value| value.trim_matches('"')) {
                Some("rgb") => 3,
                Some("grey") => 1,
                _ => images.channels,
            };
            (side, channels, Some(images))
        }
        Subject::Generator { name, channels, short_side, classes } => {
            of_generator(name, *classes, &mut chosen);
            (*short_side, *channels, None)
        }
    };
    augmentation(side, channels, &mut chosen);
    // What belongs to a kind is left to the kind that was asked for.
    let resnet = asked("encoder.arch").is_none_or(|arch| arch.trim_matches('"').starts_with("resnet"));
    let width = encoder(side, machine, resnet, &mut chosen);
    let batch = batch(side, width, images, machine, &mut chosen);
    let batch = number("train.batch").unwrap_or(batch).max(2);
    if asked("optimizer.kind").is_none() {
        rate(batch, &mut chosen);
    }
    steps(batch, images, machine, number("train.steps"), &mut chosen);
    if let Some(images) = images.filter(|images| images.classes >= 2 && images.tested) {
        let reason =
            format!("it has {} classes: `zview probe RUN` judges the encoder by them", images.classes);
        chosen.push(Choice::new("probe.data", images.name.as_str(), reason));
    }
    chosen
}

/// The side in pixels that views have.
fn of_images(images: &Images, machine: &Machine, asked: Option<usize>, chosen: &mut Vec<Choice>) -> usize {
    chosen.push(Choice::new("source.kind", "real", format!("{} is images", images.name)));
    let about = format!(
        "{} images for training, {}",
        images.count,
        if images.channels == 3 { "in colour" } else { "grey" }
    );
    chosen.push(Choice::new("source.data", images.name.as_str(), about));
    let unreadable = images.unreadable.as_ref().filter(|of| images.decoded && of.share() <= MOST_UNREADABLE);
    if let Some(unreadable) = unreadable {
        let reason = format!("{}; left out, of training and testing", unreadable.in_words());
        chosen.push(Choice::new("source.max_reject_share", unreadable.share(), reason));
    }
    if !images.decoded {
        let reason =
            "so many files are not read beforehand: what is damaged is left out as it is met, if it is less";
        chosen.push(Choice::new("source.max_reject_share", MOST_UNREADABLE_OF_MANY, reason));
    }
    let most = if machine.gpu { MOST_ON_ADAPTER } else { MOST_ON_PROCESSOR };
    let side = asked.unwrap_or_else(|| images.short_side.clamp(1, most));
    match images.extent {
        Some([height, width])
            if asked.is_none() && height.max(width) <= most && side == height.min(width) =>
        {
            return height.max(width);
        }
        _ => {}
    }
    let sizes = match images.extent {
        Some([height, width]) => format!("they are {width} x {height}"),
        None => format!("they differ in size, the middle one has a shorter side of {}", images.short_side),
    };
    let why = if images.short_side > most {
        format!("larger ones take long on {}", machine.processor())
    } else {
        "they are brought to one size".to_owned()
    };
    chosen.push(Choice::new("source.size", side as i64, format!("{sizes}; {why}")));
    side
}

fn of_generator(name: &str, classes: Option<usize>, chosen: &mut Vec<Choice>) {
    chosen.push(Choice::new("source.kind", "generator", format!("{name} is a generator")));
    chosen.push(Choice::new("source.generator", name, "new images at every step"));
    let (std, reason) = match classes {
        Some(classes) => (
            1.0,
            format!("a step in latent space keeps the class, of which it has {classes}: it may be long"),
        ),
        None => (0.2, "without classes a long step in latent space leaves the thing itself".to_owned()),
    };
    chosen.push(Choice::new("views.std", std, reason));
}

fn augmentation(side: usize, channels: usize, chosen: &mut Vec<Choice>) {
    let (preset, reason) = match (channels, side) {
        (3, 0..=SMALL) => ("simclr-small", "small images in colour"),
        (3, _) => ("simclr", "large images in colour"),
        _ => ("grey-digits", "images without colours"),
    };
    chosen.push(Choice::new("augment.preset", preset, reason));
}

/// The width.
fn encoder(side: usize, machine: &Machine, resnet: bool, chosen: &mut Vec<Choice>) -> usize {
    let (width, reason) = if machine.gpu {
        (64, "the published width: a graphics adapter computes")
    } else {
        (16, "a quarter of the published width: the processor computes")
    };
    if !resnet {
        return width;
    }
    chosen.push(Choice::new("encoder.arch", "resnet18", "the smallest of the usual encoders"));
    chosen.push(Choice::new("encoder.width", width as i64, reason));
    let (stem, reason) = if side <= SMALL {
        ("small", format!("images of {side} pixels are seen whole"))
    } else {
        ("imagenet", format!("images of {side} pixels are shrunk at once"))
    };
    chosen.push(Choice::new("encoder.stem", stem, reason));
    width
}

fn batch(
    side: usize,
    width: usize,
    images: Option<&Images>,
    machine: &Machine,
    chosen: &mut Vec<Choice>,
) -> usize {
    let wanted = if machine.gpu { 256 } else { 128 };
    // The first layers of the other stem have an eighth of the values.
    let values = (width * side * side) as u64 / if side <= SMALL { 1 } else { 8 };
    let fits = |batch: usize| batch as u64 * VIEWS as u64 * values * BYTES_PER_VALUE <= machine.for_a_step();
    let mut batch = wanted;
    while batch > 2 && !fits(batch) {
        batch /= 2;
    }
    let mut reason = match batch < wanted {
        true => "more would not fit in memory".to_owned(),
        false => {
            format!("others of the batch are what a view is told apart from, on {}", machine.processor())
        }
    };
    if let Some(images) = images.filter(|images| images.count < batch) {
        batch = images.count;
        reason =
            format!("lowered from {wanted}: no image comes twice in a batch, and there are {}", images.count);
    }
    chosen.push(Choice::new("train.batch", batch as i64, reason));
    batch
}

fn rate(batch: usize, chosen: &mut Vec<Choice>) {
    let rate = (RATE_OF_128 * batch as f64 / 128.0 * 1e4).round() / 1e4;
    chosen.push(Choice::new("optimizer.kind", "sgd", "with momentum, the usual choice for a ResNet"));
    let rate = rate.max(1e-3);
    chosen.push(Choice::new("optimizer.lr", rate, format!("{RATE_OF_128} per 128 anchors of a batch")));
}

fn steps(
    batch: usize,
    images: Option<&Images>,
    machine: &Machine,
    asked: Option<usize>,
    chosen: &mut Vec<Choice>,
) {
    let most = if machine.gpu { MOST_STEPS_ON_ADAPTER } else { MOST_STEPS_ON_PROCESSOR };
    let of_images = images.map(|images| (EPOCHS * images.count as u64).div_ceil(batch as u64));
    let steps = of_images.unwrap_or(most).clamp(LEAST_STEPS, most);
    let reason = match (images, of_images) {
        (Some(images), Some(wanted)) if wanted <= most => {
            let epochs = steps * batch as u64 / images.count.max(1) as u64;
            format!("each image is seen {epochs} times")
        }
        (Some(images), _) => {
            let epochs = steps as f64 * batch as f64 / images.count.max(1) as f64;
            format!(
                "each image is seen {epochs:.1} times; more learn more and take longer on {}",
                machine.processor()
            )
        }
        (None, _) => format!("more learn more and take longer on {}", machine.processor()),
    };
    chosen.push(Choice::new("train.steps", steps as i64, reason));
    let warmup = (asked.map_or(steps, |steps| steps as u64) / 10).min(50);
    chosen.push(Choice::new("train.warmup_steps", warmup as i64, "a tenth of the steps, at most 50"));
}
