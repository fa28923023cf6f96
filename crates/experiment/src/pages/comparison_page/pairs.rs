//! Every arm minus every other.

use maud::{Markup, html};
use zview_probe::suite::arms::Difference;
use zview_probe::suite::metric::{Metric, Unit};
use zview_report::numbers::shown_with_interval;
use zview_report::table::{Row, Table, or_dash, table};

use super::ComparisonPage;
use super::arm::distinct;

/// The differences of all pairs on a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct PairTable {
    /// The data set.
    pub data: String,
    /// How it was judged.
    pub metric: Metric,
    /// The differences.
    pub pairs: Vec<ArmPair>,
}

/// An arm minus another.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmPair {
    /// The arm.
    pub arm: String,
    /// The other.
    pub other: String,
    /// The difference.
    pub difference: Difference,
}

/// A table for each data set.
pub(super) fn pair_tables(page: &ComparisonPage) -> Markup {
    let numbers = page.pairs.iter().all(|of_data| of_data.metric.unit == Unit::Number);
    html! {
        p.fine {
            "The arm of the row minus that of the column on the same test images"
            @if !numbers { ", in percentage points" }
            ". Each 95 % interval is for itself: nothing is corrected for there being several."
        }
        @for of_data in &page.pairs { (pair_table(of_data)) }
    }
}

fn pair_table(of: &PairTable) -> Markup {
    let arms = distinct(of.pairs.iter().map(|pair| pair.arm.as_str()));
    let others = distinct(of.pairs.iter().map(|pair| pair.other.as_str()));
    let minus: Vec<String> = others.iter().map(|other| format!("minus {other}")).collect();
    let cell = |arm: &str, other: &str| {
        let pair = of.pairs.iter().find(|pair| pair.arm == arm && pair.other == other);
        or_dash(pair.map(|ArmPair { difference, .. }| {
            shown_with_interval(difference.difference, difference.interval(), difference.shown())
        }))
    };
    table(&Table {
        caption: Some(html! { (of.metric.title) " on " b { (of.data) } "." }),
        headers: std::iter::once("Arm").chain(minus.iter().map(String::as_str)).collect(),
        rows: arms.iter().map(|arm| Row::new(*arm, others.iter().map(|other| cell(arm, other)))).collect(),
        ..Table::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_probe::suite::protocols::linear;

    #[test]
    fn each_pair_stands_once_and_an_arm_not_beside_itself() {
        let pair = |arm: &str, other: &str, difference| ArmPair {
            arm: arm.to_owned(),
            other: other.to_owned(),
            difference: Difference {
                low: Some(difference - 0.01),
                high: Some(difference + 0.01),
                ..Difference::over_seeds(&[difference], &[0.0], linear::metric())
            },
        };
        let pairs = vec![pair("b", "a", 0.06), pair("c", "a", 0.02), pair("c", "b", -0.04)];
        let text =
            pair_table(&PairTable { data: "d".to_owned(), metric: linear::metric(), pairs }).into_string();
        assert!(text.contains("+6.0") && text.contains("−4.0") && text.matches("–").count() == 1, "{text}");
        assert_eq!((text.matches("<tr").count(), text.matches("minus a").count()), (3, 3), "{text}");
    }
}
