//! Dates as exact as they are known: EDTF level 0 (`2017`, `2017-09`, `2018-09-25`).

use chrono::{Datelike, NaiveDate};

/// The pattern of such a date.
pub const PATTERN: &str = "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$";

/// The first and the last day that `text` may mean; nothing when it is no date.
pub fn span(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    let year = i32::try_from(number(0..4)?).ok()?;
    match text.len() {
        4 => Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year, 12, 31)?)),
        7 if text.as_bytes()[4] == b'-' => {
            let first = NaiveDate::from_ymd_opt(year, number(5..7)?, 1)?;
            Some((first, last_of_month(first)?))
        }
        10 if text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' => {
            let day = NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)?;
            Some((day, day))
        }
        _ => None,
    }
}

fn last_of_month(first: NaiveDate) -> Option<NaiveDate> {
    let (year, month) = if first.month() == 12 { (first.year() + 1, 1) } else { (first.year(), first.month() + 1) };
    NaiveDate::from_ymd_opt(year, month, 1)?.pred_opt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let span = |text| span(text).map(|(a, b)| (a.to_string(), b.to_string()));
        let of = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(span("2017"), of("2017-01-01", "2017-12-31"));
        assert_eq!(span("2024-02"), of("2024-02-01", "2024-02-29"));
        assert_eq!(span("2021-12"), of("2021-12-01", "2021-12-31"));
        assert_eq!(span("2018-09-25"), of("2018-09-25", "2018-09-25"));
        for bad in ["", "17", "2017-13", "2017-00", "2023-02-29", "2017-9", "2017/09", "+017", "2017-09-25T", "2017-0-25"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
