//! The machine and the versions.

use maud::Markup;
use zview_report::facts::facts;
use zview_runtime::run_folder::Environment;

/// Device, platform and versions.
pub(super) fn machine(environment: &Environment) -> Markup {
    let device = &environment.device;
    facts(&[
        ("Device", format!("{} ({})", device.name, device.reason)),
        ("Platform", platform(&environment.platform, environment.threads)),
        ("Versions", versions(&environment.zview, environment.burn)),
    ])
}

pub(super) fn platform(platform: &str, threads: usize) -> String {
    format!("{platform}, {threads} threads")
}

pub(super) fn versions(zview: &str, burn: &str) -> String {
    format!("zview {zview}, burn {burn}")
}
