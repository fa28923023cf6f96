//! The machines that the cells ran on.

use maud::{Markup, html};
use zview_report::facts::facts;

use super::ComparisonPage;
use zview_probe::suite::page::machine::{platform, versions};

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
    let list = |machine: &CellMachine| {
        let mut list = vec![
            ("Device", machine.device.clone()),
            ("Platform", platform(&machine.platform, machine.threads)),
            ("Versions", versions(&machine.zview, &machine.burn)),
        ];
        list.extend(machine.cells.map(|cells| ("Cells", cells.to_string())));
        facts(&list)
    };
    html! { @for machine in &page.machines { (list(machine)) } }
}
