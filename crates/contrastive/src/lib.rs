//! Contrastive pretraining: encoders, objectives, device-side augmentation, optimizers,
//! and the training loop.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod augment;
pub mod encoder;
pub mod mlp;
pub mod objective;
pub mod selfcheck;
pub mod source;
pub mod train;
pub mod watch;
