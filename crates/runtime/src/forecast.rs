//! What a run will take, by its first steps.

use burn::tensor::Device;
use serde::Serialize;

use crate::device::{ChosenDevice, MemoryLimit, MemoryUse};
use crate::progress::duration;

/// Steps that are timed at least, and at most.
const STEPS: [usize; 2] = [5, 30];
/// Seconds of timed steps that are enough, and that make fewer steps enough.
const SECONDS: [f64; 2] = [2.0, 10.0];
/// A run that takes longer than this is warned of.
const LONG_SECONDS: f64 = 86_400.0;

/// Seconds of a run's first steps, each with the device waited for.
#[derive(Debug, Clone, Default)]
pub struct StepTimes {
    /// Kernels are compiled in it and memory is touched for the first time.
    first: Option<f64>,
    warm: Vec<f64>,
}

impl StepTimes {
    /// Takes note of the next step's seconds.
    pub fn note(&mut self, seconds: f64) {
        if self.first.is_none() {
            self.first = Some(seconds);
        } else {
            self.warm.push(seconds);
        }
    }

    /// Whether more steps would say little more.
    #[must_use]
    pub fn enough(&self) -> bool {
        let (steps, seconds) = (self.warm.len(), self.warm.iter().sum::<f64>());
        steps >= STEPS[1] || (steps >= STEPS[0] && seconds >= SECONDS[0]) || seconds >= SECONDS[1]
    }

    /// Seconds of a step after the first: the middle of those timed; `None` before there is one.
    #[must_use]
    pub fn seconds_per_step(&self) -> Option<f64> {
        let mut sorted = self.warm.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2)?;
        let before = sorted.get((sorted.len() - 1) / 2)?;
        Some(f64::midpoint(*middle, *before))
    }

    /// Seconds of `steps` steps from the first timed one.
    #[must_use]
    pub fn seconds_of(&self, steps: u64) -> Option<f64> {
        let taken = self.first.into_iter().chain(self.warm.iter().copied()).sum::<f64>();
        let left = steps.saturating_sub(self.first.iter().count() as u64 + self.warm.len() as u64);
        Some(taken + left as f64 * self.seconds_per_step()?)
    }
}

/// What is known of a run beside its steps' times.
#[derive(Debug, Clone, Serialize)]
pub struct RunSize {
    /// Steps of the whole run.
    pub steps: u64,
    /// Steps that are left at the first timed one.
    pub steps_left: u64,
    /// Times that each image or anchor is seen in the whole run; `None` where there is no end of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// What an epoch has, such as `14,976 images`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch_of: Option<String>,
    /// Trained numbers of all networks.
    pub parameters: usize,
    /// Channels, height and width of what a network sees.
    pub view: [usize; 3],
    /// Bytes of memory that a step takes by the shapes of its layers; `None` where they are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_estimate: Option<u64>,
}

/// What a run will take.
#[derive(Debug, Clone, Serialize)]
pub struct Forecast {
    /// The device's name.
    pub device: String,
    /// Its size.
    #[serde(flatten)]
    pub size: RunSize,
    /// Seconds of a step after the first.
    pub seconds_per_step: f64,
    /// Seconds of all steps that are left, the timed ones among them.
    pub seconds: f64,
    /// Memory in use after the timed steps.
    pub memory: MemoryUse,
}

impl Forecast {
    /// From the times of some steps; `None` before the second.
    #[must_use]
    pub fn new(times: &StepTimes, size: RunSize, device: &ChosenDevice) -> Option<Self> {
        Self::of_device(times, size, &device.name, &device.device)
    }

    /// The same on a device of which name and handle are known.
    #[must_use]
    pub fn of_device(times: &StepTimes, size: RunSize, name: &str, device: &Device) -> Option<Self> {
        Some(Self {
            device: name.to_owned(),
            seconds_per_step: times.seconds_per_step()?,
            seconds: times.seconds_of(size.steps_left)?,
            memory: MemoryUse::now(device),
            size,
        })
    }

    /// In one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let size = &self.size;
        let [channels, height, width] = size.view;
        let epochs = match (size.epochs, &size.epoch_of) {
            (Some(epochs), Some(of)) => format!("; {epochs:.1} epochs of {of}"),
            _ => String::new(),
        };
        let memory = match (self.memory.device_reserved, self.memory.resident) {
            (Some(device), _) => format!("; {} of the adapter's memory", bytes(device)),
            (None, Some(resident)) => format!("; {} of memory", bytes(resident)),
            (None, None) => String::new(),
        };
        format!(
            "forecast: {} for {} steps of {} on {}{epochs}; views of {channels} x {height} x {width}; {} parameters{memory}",
            duration(self.seconds),
            size.steps_left,
            step_seconds(self.seconds_per_step),
            self.device,
            count(size.parameters),
        )
    }

    /// What to think about before the run goes on, with the remedy.
    #[must_use]
    pub fn warnings(&self, remedy: &str) -> Vec<String> {
        let long = (self.seconds >= LONG_SECONDS).then(|| {
            format!(
                "this run takes {} on {}: {remedy}; Ctrl-C stops it and saves",
                duration(self.seconds),
                self.device
            )
        });
        long.into_iter().collect()
    }
}

/// Whether a run of an estimated size fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It does, as far as is known.
    Fits,
    /// It may not: a warning.
    Doubtful(String),
    /// It cannot, even if the estimate were twice too high.
    Cannot(String),
}

/// Holds an estimate of a step's memory against what there is.
#[must_use]
pub fn fit(estimate: u64, limit: Option<MemoryLimit>) -> Fit {
    let Some(limit) = limit else { return Fit::Fits };
    let need = format!("about {} of memory are needed", bytes(estimate));
    if estimate / 2 > limit.total {
        Fit::Cannot(format!("{need}, and this machine has {}", bytes(limit.total)))
    } else if estimate > limit.available {
        Fit::Doubtful(format!("{need}, and {} are free", bytes(limit.available)))
    } else {
        Fit::Fits
    }
}

/// `0.123 s`, `4.5 ms`
fn step_seconds(seconds: f64) -> String {
    match seconds {
        ..0.1 => format!("{:.1} ms", 1e3 * seconds),
        ..10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// `1.3 million`
fn count(number: usize) -> String {
    match number {
        ..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.0} thousand", number as f64 / 1e3),
        _ => format!("{:.1} million", number as f64 / 1e6),
    }
}

/// `480 MB`, `1.2 GB`
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes < 1e9 { format!("{:.0} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::cpu;

    fn times(seconds: &[f64]) -> StepTimes {
        let mut times = StepTimes::default();
        seconds.iter().for_each(|&seconds| times.note(seconds));
        times
    }

    fn size(steps: u64) -> RunSize {
        RunSize {
            steps,
            steps_left: steps,
            epochs: Some(3.25),
            epoch_of: Some("14,976 images".to_owned()),
            parameters: 1_300_000,
            view: [1, 28, 28],
            memory_estimate: None,
        }
    }

    #[test]
    fn the_first_step_compiles_and_does_not_count_for_the_others() {
        let times = times(&[9.0, 0.5, 0.4, 0.6, 3.0]);
        assert_eq!(times.seconds_per_step(), Some(0.55));
        assert!((times.seconds_of(105).unwrap() - (9.0 + 4.5 + 100.0 * 0.55)).abs() < 1e-9);
        assert_eq!(StepTimes::default().seconds_of(5), None);
    }

    #[test]
    fn slow_steps_are_timed_few_times_and_fast_ones_often() {
        assert!(!times(&[60.0]).enough(), "the first step alone says nothing");
        assert!(times(&[60.0, 30.0]).enough(), "ten seconds");
        let warm = |count: usize, seconds: f64| times(&[&[1.0][..], &vec![seconds; count]].concat()).enough();
        assert!(!warm(4, 0.4) && warm(5, 0.4), "five steps and two seconds");
        assert!(!warm(29, 0.01) && warm(30, 0.01), "thirty steps");
    }

    #[test]
    fn a_forecast_says_time_epochs_views_parameters_and_device() {
        let device = cpu("asked for");
        let forecast = Forecast::new(&times(&[1.0, 0.5, 0.5, 0.5]), size(401), &device).unwrap();
        let text = forecast.in_words();
        let start = "forecast: 3 min for 401 steps of 0.50 s on CPU (";
        assert!(text.starts_with(start), "{text}");
        assert!(
            text.contains("; 3.2 epochs of 14,976 images; views of 1 x 28 x 28; 1.3 million parameters"),
            "{text}"
        );
        assert!(forecast.warnings("lower train.steps").is_empty());
        let value = serde_json::to_value(&forecast).unwrap();
        assert_eq!((&value["steps"], &value["seconds_per_step"]), (&401.into(), &0.5.into()));
    }

    #[test]
    fn a_run_of_a_day_is_warned_of_with_the_remedy() {
        let device = cpu("asked for");
        let forecast = Forecast::new(&times(&[1.0, 60.0]), size(1_500), &device).unwrap();
        let warnings = forecast.warnings("lower train.steps");
        assert!(warnings[0].starts_with("this run takes 24 h 59 min on CPU"), "{warnings:?}");
        assert!(warnings[0].contains("lower train.steps; Ctrl-C"), "{warnings:?}");
    }

    #[test]
    fn only_what_cannot_fit_is_refused() {
        let limit = Some(MemoryLimit { total: 8_000_000_000, available: 6_000_000_000 });
        assert_eq!(fit(5_000_000_000, limit), Fit::Fits);
        let Fit::Doubtful(said) = fit(7_000_000_000, limit) else { panic!("a warning") };
        assert_eq!(said, "about 7.0 GB of memory are needed, and 6.0 GB are free");
        let Fit::Cannot(said) = fit(17_000_000_000, limit) else { panic!("refused") };
        assert_eq!(said, "about 17.0 GB of memory are needed, and this machine has 8.0 GB");
        assert_eq!(fit(u64::MAX, None), Fit::Fits, "nothing is known of the memory of a GPU");
    }
}
