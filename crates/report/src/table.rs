//! Tables of results on a page.

use maud::{Markup, Render, html};

/// A table whose first column names its rows.
#[derive(Debug, Default)]
pub struct Table<'a> {
    /// Classes beside `results`.
    pub class: &'a str,
    /// What stands above it.
    pub caption: Option<Markup>,
    /// Names of the columns.
    pub headers: Vec<&'a str>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug)]
pub struct Row {
    /// Whether the others are compared with this one.
    pub reference: bool,
    /// What names it, in the first column.
    pub name: Markup,
    /// What stands in the other columns.
    pub cells: Vec<Markup>,
}

impl Row {
    /// A row that is like all others.
    #[must_use]
    pub fn new(name: impl Render, cells: impl IntoIterator<Item = Markup>) -> Self {
        Self { reference: false, name: name.render(), cells: cells.into_iter().collect() }
    }
}

/// Writes a table. On a narrow page a row becomes a block, its cells named by `data-label`; the roles tell what they
/// are in spite of that.
#[must_use]
pub fn table(table: &Table<'_>) -> Markup {
    let class = format!("results {}", table.class);
    html! {
        table class=(class.trim_end()) role="table" {
            @if let Some(caption) = &table.caption { caption { (caption) } }
            thead role="rowgroup" {
                tr role="row" { @for header in &table.headers { th scope="col" role="columnheader" { (header) } } }
            }
            tbody role="rowgroup" {
                @for row in &table.rows {
                    tr class=[row.reference.then_some("reference")] role="row" {
                        th scope="row" role="rowheader" { (row.name) }
                        @for (header, cell) in table.headers.iter().skip(1).zip(&row.cells) {
                            td role="cell" data-label=(header) { span { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// What stands in a cell: the value, or a dash where there is none.
#[must_use]
pub fn or_dash(value: Option<impl Render>) -> Markup {
    html! { @if let Some(value) = value { (value) } @else { "–" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_named_where_the_page_is_narrow() {
        let row = Row::new("<real>", [or_dash(Some("<b>")), or_dash(None::<&str>)]);
        let rows = vec![row, Row { reference: true, ..Row::new("x", []) }];
        let text =
            table(&Table { headers: vec!["Arm", "<One>", "Two"], rows, ..Table::default() }).into_string();
        assert!(text.starts_with("<table class=\"results\" role=\"table\"><thead"), "{text}");
        assert!(text.contains("<th scope=\"row\" role=\"rowheader\">&lt;real&gt;</th>"), "{text}");
        assert!(text.contains("data-label=\"&lt;One&gt;\"><span>&lt;b&gt;</span>"), "{text}");
        assert!(text.contains("data-label=\"Two\"><span>–</span>"), "{text}");
        assert!(
            text.contains("<tr role=\"row\">") && text.contains("<tr class=\"reference\" role=\"row\">"),
            "{text}"
        );
    }
}
