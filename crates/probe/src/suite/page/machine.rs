//! The machine and the versions.

use maud::Markup;
use zview_report::facts::facts;
use zview_runtime::run_folder::Environment;

/// Device, platform and versions.
#[must_use]
pub fn machine(environment: &Environment) -> Markup {
    let device = &environment.device;
    facts(&[
        ("Device", format!("{} ({})", device.name, device.reason)),
        ("Platform", platform(&environment.platform, environment.threads)),
        ("Versions", versions(&environment.zview, environment.burn)),
    ])
}

/// `linux x86_64, 2 threads`
#[must_use]
pub fn platform(platform: &str, threads: usize) -> String {
    format!("{platform}, {threads} threads")
}

/// `zview 0.1.0, burn 0.21.0`
#[must_use]
pub fn versions(zview: &str, burn: &str) -> String {
    format!("zview {zview}, burn {burn}")
}
