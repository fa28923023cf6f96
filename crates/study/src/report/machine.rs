//! The machine and the versions.

use maud::{Markup, html};
use zview_runtime::run_folder::Environment;

/// Device, platform and versions.
pub(super) fn machine(environment: &Environment) -> Markup {
    html! {
        dl {
            dt { "Device" } dd { (environment.device.name) " (" (environment.device.reason) ")" }
            dt { "Platform" } dd { (environment.platform) ", " (environment.threads) " threads" }
            dt { "Versions" } dd { "zview " (environment.zview) ", burn " (environment.burn) }
        }
    }
}
