//! Tables as the clients print them.

/// A table with a frame, as `helion` prints it.
pub(crate) fn framed(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths = widths(header, rows);
    let rule: String = widths
        .iter()
        .map(|width| format!("+{:-<1$}", "", width + 2))
        .chain(["+".to_owned()])
        .collect();
    let line = |cells: &[String]| -> String {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("| {cell: <width$} "));
        cells.chain(["|".to_owned()]).collect()
    };
    let header: Vec<_> = header.iter().map(ToString::to_string).collect();
    let mut lines = vec![rule.clone(), line(&header), rule.clone()];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.push(rule);
    lines.join("\n")
}

/// A table of columns three blanks apart, as `cf` prints it.
pub(crate) fn spaced(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths = widths(header, rows);
    let line = |cells: &[String]| -> String {
        let cells: Vec<_> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell: <width$}"))
            .collect();
        cells.join("   ").trim_end().to_owned()
    };
    let header: Vec<_> = header.iter().map(ToString::to_string).collect();
    let mut lines = vec![line(&header)];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

fn widths(header: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let cells = |column: usize| {
        rows.iter()
            .filter_map(move |row| row.get(column))
            .map(|cell| cell.chars().count())
    };
    header
        .iter()
        .enumerate()
        .map(|(column, title)| cells(column).max().unwrap_or(0).max(title.chars().count()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "long cell".to_owned()]];
        assert_eq!(
            framed(&["Name", "#"], &rows),
            "+------+-----------+\n| Name | #         |\n+------+-----------+\n| a    | long cell |\n+------+-----------+"
        );
        assert_eq!(spaced(&["name", "#"], &rows), "name   #\na      long cell");
    }
}
