//! Numbers as they are written: of shares in %, with signs, with intervals.

use maud::{Markup, html};

/// `10,000` of 10000.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Up to four digits that mean something: `0.25`, `12.5`, `1,000`, `3e-6`.
#[must_use]
pub fn short_number(value: f64) -> String {
    let size = value.abs();
    if (999.5..1e15).contains(&size) {
        let sign = if value < 0.0 { "\u{2212}" } else { "" };
        return format!("{sign}{}", thousands(size.round() as usize));
    }
    if size > 0.0 && size < 1e-4 {
        return format!("{value:.0e}");
    }
    let decimals = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).clamp(0, 7) as usize };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "\u{2212}")
}

/// The decimals with which a number of about `size` has three digits that mean something, three at most: 1 of 23.4.
#[must_use]
pub fn decimals(size: f64) -> usize {
    let size = size.abs();
    if size > 0.0 { 2i32.saturating_sub(size.log10().floor() as i32).clamp(0, 3) as usize } else { 3 }
}

/// `88.1` of 0.8814.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// `88.14` of 0.8814.
#[must_use]
pub fn precise_percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// `+2.0` or `-2.0`. What rounds to 0 keeps its sign, so that an interval shows whether it contains 0.
#[must_use]
pub fn signed_percent(share: f64) -> String {
    if share == 0.0 { "0.0".to_owned() } else { format!("{:+.1}", 100.0 * share) }
}

/// `[86.2, 89.9]`: the ends of an interval, each written by `number`.
#[must_use]
pub fn interval((low, high): (f64, f64), number: impl Fn(f64) -> String) -> String {
    format!("[{}, {}]", number(low), number(high))
}

/// `88.1 [86.2, 89.9]`, or the value alone.
#[must_use]
pub fn with_interval(value: f64, ends: Option<(f64, f64)>, number: impl Fn(f64) -> String) -> String {
    match ends {
        Some(ends) => format!("{} {}", number(value), interval(ends, number)),
        None => number(value),
    }
}

/// A value and its interval on a page: the value bold, and the interval without a line end in it.
#[must_use]
pub fn shown_with_interval(value: f64, ends: Option<(f64, f64)>, number: impl Fn(f64) -> String) -> Markup {
    html! {
        b { (number(value)) }
        @if let Some(ends) = ends { " " (shown_interval(ends, number)) }
    }
}

/// An interval on a page.
#[must_use]
pub fn shown_interval(ends: (f64, f64), number: impl Fn(f64) -> String) -> Markup {
    html! { span.interval { (interval(ends, number)) } }
}

/// `0.013`, or `< 0.001`.
#[must_use]
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_have_separators() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.25, 0.1 + 0.2, 12.5, 400.0, 1_000.0, 100_000.0, 3e-6, -0.5].map(short_number);
        assert_eq!(numbers, ["0", "0.25", "0.3", "12.5", "400", "1,000", "100,000", "3e-6", "\u{2212}0.5"]);
    }

    #[test]
    fn decimals_follow_the_size() {
        let sizes = [0.0, 0.0234, 0.234, -2.34, 23.4, 234.0, 2_340.0, f64::INFINITY, f64::NAN];
        assert_eq!(sizes.map(decimals), [3, 3, 3, 2, 1, 0, 0, 0, 3]);
    }

    #[test]
    fn only_zero_itself_has_no_sign() {
        assert_eq!((signed_percent(-0.0001), signed_percent(-0.0)), ("-0.0".to_owned(), "0.0".to_owned()));
        assert_eq!((signed_percent(0.021), signed_percent(-0.021)), ("+2.1".to_owned(), "-2.1".to_owned()));
    }

    #[test]
    fn an_interval_follows_its_value() {
        assert_eq!(with_interval(0.5, Some((0.4, 0.625)), percent), "50.0 [40.0, 62.5]");
        assert_eq!(with_interval(0.5, None, precise_percent), "50.00");
        let shown = shown_with_interval(0.02, Some((-0.01, 0.05)), signed_percent).into_string();
        assert_eq!(shown, "<b>+2.0</b> <span class=\"interval\">[-1.0, +5.0]</span>");
        assert_eq!([p_value(0.0005), p_value(0.0126)], ["< 0.001", "0.013"]);
    }
}
