//! What the intervals and tests of differences promise, by simulation at the variances that the studies measured; the table of
//! docs/evaluation-checks.md is what this prints:
//!
//!     cargo test --release -p zview-numerics --test coverage -- --nocapture

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use zview_numerics::statistics::{Contrast, Interval, PairedArms, SharedVariance, holm, student_t_quantile};
use zview_runtime::seed::{Purpose, Stream};

const ARMS: usize = 6;
const IMAGES: usize = 40;
const TRIALS: u64 = 800;

/// How differences spread, in points: standard deviation over seeds, standard error over test images with three seeds, the
/// share of its square that is the seeds' own on these images, and what is unusual.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    seeds: f32,
    images: f32,
    rest: f32,
    unusual: Unusual,
}

#[derive(Clone, Copy, PartialEq)]
enum Unusual {
    Nothing,
    /// The arms' log standard deviations spread by 0.5.
    Arms,
    /// The second arm spreads twice as far.
    OneArm,
    /// Student's t with three degrees of freedom, scaled to the same variance.
    Tails,
}

const SETTINGS: [Setting; 6] = [
    Setting { name: "linear, clothes", seeds: 0.53, images: 0.19, rest: 0.7, unusual: Unusual::Nothing },
    Setting {
        name: "10 labels, digits and clothes",
        seeds: 0.92,
        images: 0.13,
        rest: 0.7,
        unusual: Unusual::Nothing,
    },
    Setting { name: "10 labels, letters", seeds: 0.75, images: 0.31, rest: 0.5, unusual: Unusual::Nothing },
    Setting {
        name: "10 labels, arms that spread unequally",
        seeds: 0.92,
        images: 0.13,
        rest: 0.7,
        unusual: Unusual::Arms,
    },
    Setting {
        name: "10 labels, one arm that spreads twice as far",
        seeds: 0.92,
        images: 0.13,
        rest: 0.7,
        unusual: Unusual::OneArm,
    },
    Setting { name: "10 labels, heavy tails", seeds: 0.92, images: 0.13, rest: 0.7, unusual: Unusual::Tails },
];

/// `right[a][s][i]`, the second arm `ahead` of the others.
fn study(setting: Setting, seeds: usize, ahead: f32, trial: u64) -> Vec<Vec<Vec<f32>>> {
    let mut random = Stream::new(trial, Purpose::Check, 760, seeds as u64);
    let error = setting.images * setting.images;
    // Of a difference; each arm has half. The rest is three times what is left of it after three seeds.
    let (of_rest, of_images) = (3.0 * setting.rest * error, (1.0 - setting.rest) * error);
    let of_seeds = (setting.seeds * setting.seeds - of_rest).max(0.0);
    let images = IMAGES as f32;
    let [seed_std, image_std, rest_std] =
        [of_seeds, of_images * images, of_rest * images].map(|of| (0.5 * of).sqrt());
    let common: Vec<f32> = (0..seeds).map(|_| random.normal()).collect();
    let arm = |arm: usize| {
        let wider = match setting.unusual {
            Unusual::Arms => (0.5 * random.normal()).exp(),
            Unusual::OneArm if arm == 1 => 2.0,
            _ => 1.0,
        };
        let of_image: Vec<f32> = (0..IMAGES).map(|_| image_std * random.normal()).collect();
        let of_seed = |&common: &f32| {
            let mut own = random.normal();
            if setting.unusual == Unusual::Tails {
                let chi: f32 = (0..3).map(|_| random.normal().powi(2)).sum();
                own /= chi.sqrt();
            }
            let moved = common + wider * seed_std * own + if arm == 1 { ahead } else { 0.0 };
            of_image.iter().map(|image| moved + image + rest_std * random.normal()).collect()
        };
        common.iter().map(of_seed).collect()
    };
    let mut arm = arm;
    (0..ARMS).map(&mut arm).collect()
}

/// Every arm minus the first.
fn differences(study: &[Vec<Vec<f32>>]) -> Vec<Contrast> {
    let value = |right: &Vec<f32>| right.iter().map(|&right| f64::from(right)).sum::<f64>() / IMAGES as f64;
    let values: Vec<Vec<f64>> = study.iter().map(|arm| arm.iter().map(value).collect()).collect();
    let shared = SharedVariance::of(&values).unwrap();
    let minus_first = |arm: usize| {
        let right = [arm, 0].map(|arm| study[arm].iter().map(Vec::as_slice).collect::<Vec<&[f32]>>());
        let mut weights = [0.0; ARMS];
        (weights[0], weights[arm]) = (-1.0, 1.0);
        PairedArms::new(&right, None).unwrap().contrast(&[1.0, -1.0], Some((&shared, &weights)))
    };
    (1..ARMS).map(minus_first).collect()
}

/// Before: each difference by its own variance, with the residual of seeds and images in both parts, and the quantile of
/// Cochran and Cox alone. Half the width of the interval that misses with probability `level`.
fn half_width_before(study: &[Vec<Vec<f32>>], arm: usize, level: f64) -> (f64, f64) {
    let seeds = study[0].len() as f64;
    let minus = |seed: usize, image: usize| f64::from(study[arm][seed][image] - study[0][seed][image]);
    let mean = |of: &mut dyn Iterator<Item = f64>, count: f64| of.sum::<f64>() / count;
    let of_seed: Vec<f64> =
        (0..study[0].len()).map(|s| mean(&mut (0..IMAGES).map(|i| minus(s, i)), IMAGES as f64)).collect();
    let of_image: Vec<f64> =
        (0..IMAGES).map(|i| mean(&mut (0..study[0].len()).map(|s| minus(s, i)), seeds)).collect();
    let value = mean(&mut of_seed.iter().copied(), seeds);
    let variance = |of: &[f64]| {
        let count = of.len() as f64;
        of.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (count - 1.0) / count
    };
    let (over_seeds, over_images) = (variance(&of_seed), variance(&of_image));
    let quantile = |degrees| student_t_quantile(1.0 - 0.5 * level, degrees);
    let both = over_seeds * quantile(seeds - 1.0) + over_images * quantile(1e6);
    (value, both / (over_seeds + over_images).sqrt())
}

/// Coverage, chance of any wrong finding after Holm where nothing differs, and power for two sizes.
struct Measured {
    coverage: f64,
    wrong: f64,
    found: [f64; 2],
    found_before: [f64; 2],
}

const SIZES: [f32; 2] = [1.0, 2.0];

fn measured(setting: Setting, seeds: usize) -> Measured {
    let share = |count: u64, of: u64| count as f64 / of as f64;
    let (mut covered, mut wrong) = (0, 0);
    for trial in 0..TRIALS {
        let found = differences(&study(setting, seeds, 0.0, trial));
        covered += found.iter().filter(|of| holds(of.interval, 0.0)).count() as u64;
        let p_values: Vec<f64> = found.iter().filter_map(|of| of.p_value).collect();
        wrong += u64::from(holm(&p_values).iter().any(|&p| p < 0.05));
    }
    let power = SIZES.map(|size| {
        let (mut now, mut before) = (0, 0);
        for trial in 0..TRIALS / 2 {
            let study = study(setting, seeds, size, TRIALS + trial);
            let p_values: Vec<f64> = differences(&study).iter().filter_map(|of| of.p_value).collect();
            now += u64::from(holm(&p_values)[0] < 0.05);
            // The only true one is nearly always the first of Holm's steps.
            let (value, half_width) = half_width_before(&study, 1, 0.05 / (ARMS - 1) as f64);
            before += u64::from(value.abs() > half_width);
        }
        [share(now, TRIALS / 2), share(before, TRIALS / 2)]
    });
    Measured {
        coverage: share(covered, TRIALS * (ARMS as u64 - 1)),
        wrong: share(wrong, TRIALS),
        found: power.map(|[now, _]| now),
        found_before: power.map(|[_, before]| before),
    }
}

fn holds(interval: Interval, value: f64) -> bool {
    interval.low <= value && value <= interval.high
}

#[test]
fn intervals_cover_what_they_promise_and_wrong_findings_stay_rare() {
    println!("| setting | seeds | coverage | any wrong finding | finds 1 point | finds 2 points |");
    println!("|---|---|---|---|---|---|");
    for setting in SETTINGS {
        for seeds in [3, 5, 10] {
            let Measured { coverage, wrong, found, found_before } = measured(setting, seeds);
            let percent = |share: f64| format!("{:.0}", 100.0 * share);
            println!(
                "| {} | {seeds} | {:.1} % | {:.1} % | {} → {} % | {} → {} % |",
                setting.name,
                100.0 * coverage,
                100.0 * wrong,
                percent(found_before[0]),
                percent(found[0]),
                percent(found_before[1]),
                percent(found[1])
            );
            // Standard errors of these: below 0.4 and 0.7 points.
            assert!(coverage > 0.935, "{} with {seeds} seeds: {coverage}", setting.name);
            assert!(wrong < 0.065, "{} with {seeds} seeds: {wrong}", setting.name);
            assert!(found[1] >= found_before[1] - 0.02, "{}: {found:?} {found_before:?}", setting.name);
            if setting.unusual == Unusual::Nothing && seeds == 3 {
                assert!(found[1] > 1.8 * found_before[1], "{}: {found:?} {found_before:?}", setting.name);
            }
        }
    }
}
