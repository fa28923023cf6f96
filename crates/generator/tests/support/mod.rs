//! What an edit should change, measured on images.

use burn::tensor::{Tensor, TensorData};
use zview_generator::Generator;
use zview_generator::directions::Edit;
use zview_runtime::device::read_floats;
use zview_runtime::seed::{Purpose, Stream};

/// Steps along a direction, in standard deviations of z per dimension.
pub const STEPS: [f32; 5] = [-2.0, -1.0, 0.0, 1.0, 2.0];
/// Letters whose larger principal second moment is below this many times the smaller have no clear axis.
const ELONGATION_MIN: f64 = 1.5;

/// A mean over anchors, and half the width of its 95 % confidence interval.
#[derive(Debug, Clone, Copy)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// 1.96 standard errors.
    pub half_width: f64,
}

impl Mean {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|one| (one - value).powi(2)).sum::<f64>() / (n - 1.0);
        Self { value, half_width: 1.96 * (variance / n).sqrt() }
    }
}

/// Of `anchors` anchors moved by [`STEPS`] along a direction: the change of a property from the anchor at each step,
/// and from each step to the next; means over anchors.
#[derive(Debug)]
pub struct Response {
    /// At each step, against the anchor itself.
    #[allow(dead_code, reason = "the example prints it, the test does not")]
    pub change: Vec<Mean>,
    /// From each step to the next.
    pub increase: Vec<Mean>,
}

impl Response {
    /// Whether every step to the next one raises the property, for certain as far as 95 % intervals say.
    pub fn rises(&self) -> bool {
        self.increase.iter().all(|increase| increase.value - increase.half_width > 0.0)
    }
}

/// How the property that `edit` changes responds to steps along `direction` (D), in z. Anchors are truncated at 2.
pub fn response(generator: &Generator, direction: &[f32], edit: Edit, anchors: usize, seed: u64) -> Response {
    let dimension = generator.latent_dimension();
    let output = *generator.output();
    let mut per_anchor = Vec::new();
    for anchor in 0..anchors as u64 {
        let mut stream = Stream::new(seed, Purpose::Check, 0, anchor);
        let z: Vec<f32> = (0..dimension).map(|_| stream.truncated_normal(2.0)).collect();
        let moved: Vec<f32> =
            STEPS.iter().flat_map(|step| z.iter().zip(direction).map(move |(z, d)| z + step * d)).collect();
        let device = generator.device();
        let classes = generator.classes().map(|count| {
            let class = stream.below(count as u64) as i32;
            Tensor::from_data(TensorData::new(vec![class; STEPS.len()], [STEPS.len()]), device)
        });
        let z = Tensor::from_data(TensorData::new(moved, [STEPS.len(), dimension]), device);
        let images = read_floats(generator.image_from_latent(z, classes).unwrap().mean_dim(1)).unwrap();
        let moments: Vec<Moments> = images
            .chunks_exact(output.height * output.width)
            .map(|image| Moments::of(image, output.width))
            .collect();
        if edit != Edit::Rotation || moments[2].elongation >= ELONGATION_MIN {
            per_anchor.push(moments);
        }
    }
    let difference = |from: usize, to: usize| {
        let of = |moments: &Vec<Moments>| match edit {
            Edit::Zoom => moments[to].radius - moments[from].radius,
            Edit::ShiftX => moments[to].x - moments[from].x,
            Edit::ShiftY => moments[to].y - moments[from].y,
            Edit::Brightness => moments[to].brightness - moments[from].brightness,
            // An axis has no direction: the angle between two is at most 90 degrees.
            Edit::Rotation => (moments[to].angle - moments[from].angle + 90.0).rem_euclid(180.0) - 90.0,
        };
        Mean::of(&per_anchor.iter().map(of).collect::<Vec<f64>>())
    };
    Response {
        change: (0..STEPS.len()).map(|step| difference(2, step)).collect(),
        increase: (1..STEPS.len()).map(|step| difference(step - 1, step)).collect(),
    }
}

/// Moments of white on black.
#[derive(Debug)]
struct Moments {
    /// Mean pixel.
    brightness: f64,
    /// Centre of mass, pixels from the left.
    x: f64,
    /// Centre of mass, pixels from the top.
    y: f64,
    /// Root of the mean squared distance from the centre of mass, in pixels.
    radius: f64,
    /// Of the longer principal axis, in degrees counterclockwise from the right.
    angle: f64,
    /// Larger over smaller principal second moment.
    elongation: f64,
}

impl Moments {
    fn of(image: &[f32], width: usize) -> Self {
        let weighted = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            let of =
                |(at, value): (usize, &f32)| f64::from(*value) * f((at % width) as f64, (at / width) as f64);
            image.iter().enumerate().map(of).sum()
        };
        let mass = weighted(&|_, _| 1.0).max(1e-6);
        let (x, y) = (weighted(&|x, _| x) / mass, weighted(&|_, y| y) / mass);
        let xx = weighted(&|at, _| (at - x).powi(2)) / mass;
        let yy = weighted(&|_, at| (at - y).powi(2)) / mass;
        let xy = weighted(&|at_x, at_y| (at_x - x) * (at_y - y)) / mass;
        let (middle, spread) = ((xx + yy) / 2.0, ((xx - yy).powi(2) / 4.0 + xy * xy).sqrt());
        Self {
            brightness: mass / image.len() as f64,
            x,
            y,
            radius: (xx + yy).sqrt(),
            // y counts downwards, so the sign turns.
            angle: -0.5 * (2.0 * xy).atan2(xx - yy).to_degrees(),
            elongation: (middle + spread) / (middle - spread).max(1e-6),
        }
    }
}
