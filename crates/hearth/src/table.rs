//! Columns for people.

/// Lines of cells under their headings; each column is as wide as its widest cell, and numbers stand at the right.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let is_number = |column: usize| {
        let cells = || rows.iter().map(|row| row[column].as_str());
        cells().any(|cell| cell != "-")
            && cells().all(|cell| cell == "-" || cell.starts_with(|first: char| first.is_ascii_digit()))
            && cells().all(|cell| cell.len() < NUMBER_LENGTH_MAX)
    };
    let columns: Vec<(usize, bool)> =
        (0..headings.len()).map(|column| (width(column), is_number(column))).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&columns).map(|(cell, (width, at_right))| {
            if *at_right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(headings.to_vec())).chain(body).collect::<Vec<_>>().join("\n")
}

/// What is longer is a name that begins with a digit.
const NUMBER_LENGTH_MAX: usize = 12;

/// Three digits at most, in powers of 1,024.
pub fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["KB", "MB", "GB", "TB"] {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1_024.0, larger);
    }
    if value < 9.95 && unit != "B" { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A time span in its largest unit and the next: `5s`, `3m10s`, `2h05m`, `4d03h`.
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds}s"),
        () if hours == 0 => format!("{minutes}m{:02}s", seconds % 60),
        () if days == 0 => format!("{hours}h{:02}m", minutes % 60),
        () => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 999, 1_024, 10_240, 1_048_575, 5 << 30].map(size);
        assert_eq!(shown, ["0 B", "999 B", "1.0 KB", "10 KB", "1.0 MB", "5.0 GB"]);
    }

    #[test]
    fn spans_are_short() {
        assert_eq!([5, 65, 7_500, 100_000].map(span), ["5s", "1m05s", "2h05m", "1d03h"]);
    }

    #[test]
    fn columns_stand_under_their_headings_and_numbers_at_the_right() {
        let rows = [
            vec!["é".into(), "128 MB".into(), "-".into()],
            vec!["long-name".into(), "8 MB".into(), "x".into()],
        ];
        let shown = table(&["NAME", "MEMORY", "WHY"], &rows);
        assert_eq!(shown, "NAME       MEMORY  WHY\né          128 MB  -\nlong-name    8 MB  x");
    }
}
