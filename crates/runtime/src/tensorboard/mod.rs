//! TensorBoard files, made from a run's event log.
//!
//! A file is a row of records (TFRecord), each a protocol buffer message `Event`. Sources: the framing in
//! <https://www.tensorflow.org/tutorials/load_data/tfrecord>, the messages in TensorBoard's `compat/proto/`
//! (`event.proto`, `summary.proto`, `histogram.proto`). The few fields that are needed are encoded by hand.

mod event;
mod live;
mod mirror;
mod picture;
mod protobuf;
mod record;
#[cfg(test)]
mod tests;

pub use live::LiveTensorBoard;
pub use mirror::{TensorBoardError, TensorBoardMirror};
