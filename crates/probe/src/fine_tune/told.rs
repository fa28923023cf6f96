//! What is told on stderr while networks are trained: what there is to do, how far it is, and how long it takes.

use burn::tensor::Device;
use zview_network::training::LossLog;
use zview_runtime::device::name_of;
use zview_runtime::forecast::{Forecast, RunSize, StepTimes};
use zview_runtime::progress::Progress;
use zview_runtime::words::counted;

/// The steps of all fits of all seeds.
pub(super) struct Told {
    progress: Progress,
    done: u64,
    total: u64,
    /// Channels, height and width of an image.
    view: [usize; 3],
    device: Device,
    /// Until there is a forecast.
    timing: Option<StepTimes>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// `fine-tuning` or `training from scratch`.
    pub(super) label: &'static str,
    /// Rates and layer decays to choose from.
    pub(super) candidates: usize,
    /// Steps of each fit.
    pub(super) steps: u64,
    /// Repetitions.
    pub(super) seeds: usize,
}

impl Work {
    /// Steps of all fits: each candidate once and the best again, for each seed.
    pub(super) fn total(&self) -> u64 {
        let fits = if self.candidates > 1 { self.candidates as u64 + 1 } else { 1 };
        fits * self.steps * self.seeds as u64
    }

    fn in_words(&self) -> String {
        let Self { label, candidates, steps, seeds } = *self;
        let fits = if candidates > 1 {
            format!("{candidates} candidates and the best of them again, {steps} each")
        } else {
            "one candidate".to_owned()
        };
        format!(
            "{label}: {} steps ({fits}; {}); --steps N or fine_tune.length makes each fit shorter, fewer \
             fine_tune.learning_rates and layer_decays make fits fewer",
            self.total(),
            counted(seeds, "seed")
        )
    }
}

impl Told {
    /// Says what there is to do, and begins.
    pub(super) fn begin(work: Work, view: [usize; 3], device: &Device) -> Self {
        let progress = Progress::new(work.label, work.total());
        progress.say(&work.in_words());
        let (total, device) = (work.total(), device.clone());
        Self { progress, done: 0, total, view, device, timing: Some(StepTimes::default()) }
    }

    /// Whether steps are still timed, so that each is to be waited for.
    pub(super) fn is_timing(&self) -> bool {
        self.timing.is_some()
    }

    /// One step is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        self.progress.step(self.done);
    }

    /// The last loss.
    pub(super) fn losses(&mut self, losses: &LossLog) {
        self.progress.update(self.done, &losses.in_words());
    }

    /// A step took so many seconds and was waited for; the forecast comes once that says enough.
    pub(super) fn timed(&mut self, seconds: f64, parameters: impl FnOnce() -> usize) {
        if let Some(times) = &mut self.timing {
            times.note(seconds);
        }
        let Some(times) = self.timing.take_if(|times| times.enough()) else { return };
        let size = RunSize {
            steps: self.total,
            steps_left: self.total,
            epochs: None,
            epoch_of: None,
            parameters: parameters(),
            view: self.view,
            memory_estimate: None,
        };
        if let Some(forecast) = Forecast::of_device(&times, size, &name_of(&self.device), &self.device) {
            self.progress.say(&forecast.in_words());
        }
    }

    /// A fit of `steps` steps ended, maybe before its last.
    pub(super) fn fit_ended(&mut self, before: u64, steps: u64) {
        self.done = before + steps;
        self.progress.step(self.done);
    }

    /// Steps behind the progress.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Ends the display.
    pub(super) fn finish(&self) {
        self.progress.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_over_all_candidates_and_seeds() {
        let work = Work { label: "fine-tuning", candidates: 8, steps: 400, seeds: 1 };
        assert_eq!(work.total(), 3_600);
        let said = work.in_words();
        assert!(
            said.starts_with("fine-tuning: 3600 steps (8 candidates and the best of them again, 400 each; one seed); --steps N"),
            "{said}"
        );
        assert_eq!(Work { seeds: 3, ..work }.total(), 10_800);
        assert_eq!(Work { candidates: 1, ..work }.total(), 400);
    }
}
