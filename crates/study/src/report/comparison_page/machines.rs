//! The machines that the cells ran on.

use maud::{Markup, html};

use super::ComparisonPage;

/// One kind of machine, and how many cells ran on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellMachine {
    /// The device's name.
    pub device: String,
    /// Operating system and processor architecture.
    pub platform: String,
    /// Threads that the system offers.
    pub threads: usize,
    /// Version of zview.
    pub zview: String,
    /// Version of the tensor framework.
    pub burn: String,
    /// Cells that ran there, if that is known.
    pub cells: Option<usize>,
}

/// A list for each machine.
pub(super) fn machines(page: &ComparisonPage) -> Markup {
    html! {
        @for machine in &page.machines {
            dl {
                dt { "Device" } dd { (machine.device) }
                dt { "Platform" } dd { (machine.platform) ", " (machine.threads) " threads" }
                dt { "Versions" } dd { "zview " (machine.zview) ", burn " (machine.burn) }
                @if let Some(cells) = machine.cells { dt { "Cells" } dd { (cells) } }
            }
        }
    }
}
