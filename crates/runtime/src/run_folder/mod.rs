//! The folder of one run: who writes it, what was run, where, and what happened.

mod contents;
mod environment;
mod event_log;
mod event_reader;
mod folder;
mod learnt_from;
mod losses;
mod same_config;
mod versioned;

pub use contents::{first_entry, no_folder};
pub use environment::Environment;
pub use event_log::{EVENT_SCHEMA_VERSION, EventLog, EventLogError};
pub use event_reader::EventReader;
pub use folder::{RunFolder, RunFolderError};
pub use learnt_from::{Changed, ImagesSha256, other_images, started_event};
pub use losses::{LOSS, loss_names, losses_of};
pub use same_config::CONFIG;
pub use versioned::{RUN_FILE_FORMAT, RunFileError, read_run_json};
