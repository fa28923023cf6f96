//! What can go wrong while a page is written.

/// Why a page could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A plot could not be drawn.
    #[error("cannot draw the plot of {plot}: {problem}")]
    Plot {
        /// What it shows.
        plot: &'static str,
        /// What the plotting library said.
        problem: String,
    },
}
