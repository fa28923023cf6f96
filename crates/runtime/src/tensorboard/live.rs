//! TensorBoard files beside a run that is under way.

use std::path::Path;

use super::mirror::{TensorBoardError, TensorBoardMirror};

/// The folder `tensorboard` of a run folder, kept up with the log. It is only a copy: where it cannot be written,
/// a warning says so once and training goes on.
#[derive(Debug)]
pub struct LiveTensorBoard(Option<TensorBoardMirror>);

impl LiveTensorBoard {
    /// Writes the folder anew from the log of the run folder `run`, as it is now.
    #[must_use]
    pub fn start(run: &Path) -> Self {
        let mut live = Self(None);
        live.0 = live.kept(TensorBoardMirror::rebuild(run, &run.join("tensorboard")));
        live
    }

    /// Appends what was logged since the last call.
    pub fn follow(&mut self) {
        if let Some(mut mirror) = self.0.take() {
            let followed = mirror.follow().map(|()| mirror);
            self.0 = self.kept(followed);
        }
    }

    fn kept(&self, mirror: Result<TensorBoardMirror, TensorBoardError>) -> Option<TensorBoardMirror> {
        mirror
            .inspect_err(|error| {
                tracing::warn!(
                    "tensorboard/ is not written from here on: {error} (`zview log RUN --tensorboard DIR` makes it \
                     from the log)"
                );
            })
            .ok()
    }
}
