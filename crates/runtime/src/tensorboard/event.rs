//! The message `Event`, as far as zview writes it.

use super::protobuf::Message;
use crate::measurements::Histogram;

/// The first event of every file.
const FILE_VERSION: &[u8] = b"brain.Event:2";
/// `SessionLog.SessionStatus.START`.
const SESSION_START: u64 = 1;

/// What an event shows.
pub(super) enum Shown<'a> {
    /// A number.
    Scalar(f64),
    /// Counts in bins.
    Histogram(&'a Histogram),
    /// A PNG file with its width and height in pixels.
    Picture(&'a [u8], [u32; 2]),
}

/// Says which version of the format follows.
pub(super) fn version(time: f64) -> Vec<u8> {
    Message::default().double(1, time).bytes(3, FILE_VERSION).into_bytes()
}

/// Makes a TensorBoard that has an older file of this folder open forget what it read there.
pub(super) fn restart(time: f64) -> Vec<u8> {
    let session = Message::default().integer(1, SESSION_START);
    Message::default().double(1, time).integer(2, 0).message(7, session).into_bytes()
}

/// One value of the series `tag`.
pub(super) fn summary(time: f64, step: u64, tag: &str, shown: &Shown<'_>) -> Vec<u8> {
    let value = Message::default().bytes(1, tag.as_bytes());
    let value = match shown {
        Shown::Scalar(number) => value.float(2, *number as f32),
        Shown::Picture(png, [width, height]) => {
            // The number of channels is in the file too, and nobody reads it here; 3 as in TensorFlow's examples.
            let image = Message::default().integer(1, (*height).into()).integer(2, (*width).into());
            value.message(4, image.integer(3, 3).bytes(4, png))
        }
        Shown::Histogram(histogram) => value.message(5, histogram_message(histogram)),
    };
    Message::default()
        .double(1, time)
        .integer(2, step)
        .message(5, Message::default().message(1, value))
        .into_bytes()
}

/// `HistogramProto`; its sums are those of the bins' middles.
fn histogram_message(histogram: &Histogram) -> Message {
    let bins = || histogram.counts.iter().enumerate();
    let sum_of =
        |power: i32| bins().map(|(bin, &n)| n as f64 * histogram.middle(bin).powi(power)).sum::<f64>();
    Message::default()
        .double(1, histogram.low)
        .double(2, histogram.high)
        .double(3, sum_of(0))
        .double(4, sum_of(1))
        .double(5, sum_of(2))
        .doubles(6, bins().map(|(bin, _)| histogram.upper_bound(bin)))
        .doubles(7, bins().map(|(_, &count)| count as f64))
}
