//! Whether messages may have colours.

use std::io::IsTerminal;

/// Whether stderr is a terminal that shows colours, and nobody asks for none (<https://no-color.org>).
pub fn on_stderr() -> bool {
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let plain = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    std::io::stderr().is_terminal() && unset("NO_COLOR") && !plain
}
