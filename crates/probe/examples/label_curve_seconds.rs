//! How long a whole label curve takes: 10,000 images of 128 features and 10 classes, ten draws of each number of labels,
//! judged on 10,000 others.
#![allow(clippy::expect_used, clippy::print_stdout)]

use zview_features::Features;
use zview_probe::few_labels::{LabelCurveConfig, label_curve};
use zview_runtime::seed::{Purpose, Stream};

const IMAGES: usize = 10_000;
const DIMENSION: usize = 128;
const CLASSES: usize = 10;
/// Standard deviation of the classes' centres; the images' around theirs is 1.
const CENTRE_STD: f32 = 0.3;

fn main() {
    let (pool, test) = (clouds(0), clouds(1));
    let curve = label_curve(&pool, &test, &LabelCurveConfig::default()).expect("every class has images");
    println!("{} points in {:.1} s", curve.points.len(), curve.seconds);
}

/// Points around one random centre per class, the same centres for every `draw`.
fn clouds(draw: u64) -> Features {
    let mut centre_stream = Stream::new(0, Purpose::Check, 0, 0);
    let centres: Vec<f32> = (0..CLASSES * DIMENSION).map(|_| CENTRE_STD * centre_stream.normal()).collect();
    let mut stream = Stream::new(0, Purpose::Check, 1, draw);
    let mut values = Vec::with_capacity(IMAGES * DIMENSION);
    for image in 0..IMAGES {
        let centre = &centres[image % CLASSES * DIMENSION..][..DIMENSION];
        values.extend(centre.iter().map(|mean| mean + stream.normal()));
    }
    let labels = (0..IMAGES).map(|image| (image % CLASSES) as u32).collect();
    let names = (0..CLASSES).map(|class| class.to_string()).collect();
    Features::new(values, DIMENSION, labels, names).expect("as many labels as rows")
}
