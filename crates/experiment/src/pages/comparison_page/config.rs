//! The study's configuration and the commands that repeat it.

use maud::{Markup, html};
use zview_report::shell::shell;
use zview_report::table::{Row, Table, table};

use super::{ComparedArm, ComparisonPage};

/// A configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigText {
    /// What it is: `The study, std.toml`.
    pub title: String,
    /// All of it.
    pub text: String,
}

/// A command and what it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepeatCommand {
    /// What it does: `All of it`, `One cell`.
    pub purpose: String,
    /// As a shell takes it.
    pub command: String,
}

/// What each arm sets, where any of them sets something.
pub(super) fn settings_table(page: &ComparisonPage) -> Markup {
    let row = |arm: &ComparedArm| {
        let settings = html! {
            span.settings {
                @if arm.settings.is_empty() { "none" }
                @for (key, value) in &arm.settings { code { (key) " = " (value) } " " }
            }
        };
        Row::new(&arm.name, [settings])
    };
    let settings = || Table {
        caption: Some(html! { "What each arm sets in its recipe." }),
        headers: vec!["Arm", "Settings"],
        rows: page.arms.iter().map(row).collect(),
        ..Table::default()
    };
    html! { @if page.arms.iter().any(|arm| !arm.settings.is_empty()) { (table(&settings())) } }
}

/// The files.
pub(super) fn config_texts(page: &ComparisonPage) -> Markup {
    html! {
        @for config in &page.configs {
            details {
                summary { (config.title) }
                pre { code { (config.text) } }
            }
        }
    }
}

/// The commands.
pub(super) fn repeat_commands(page: &ComparisonPage) -> Markup {
    html! {
        @for repeat in &page.commands {
            p { (repeat.purpose) }
            (shell(&repeat.command))
        }
    }
}
