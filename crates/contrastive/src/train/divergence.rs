//! A loss that is not finite, and where it happened.

/// Training produced a number that is not finite; nothing after it is worth anything.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the loss of step {step} is {loss} (learning rate {learning_rate:.3e}, seed {seed}, last finite loss {last_finite}); \
     lower optimizer.lr, lengthen train.warmup_steps, or look at the views of that step; {kept}"
)]
pub struct NotFinite {
    /// The first step whose loss is not finite, counted from 1.
    pub step: u64,
    /// The loss.
    pub loss: f32,
    /// The learning rate of that step.
    pub learning_rate: f64,
    /// The run's seed: with the step it gives the batch.
    pub seed: u64,
    /// The loss before it.
    pub last_finite: f32,
    /// What is kept, such as the last good checkpoint.
    pub kept: String,
}
