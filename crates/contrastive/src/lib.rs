//! Contrastive pretraining: objectives, sources of views, the training of encoders, and what is watched in it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod mlp;
pub mod objective;
pub mod source;
pub mod train;
pub mod watch;
