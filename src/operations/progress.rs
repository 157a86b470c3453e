//! A line that tells how far long work has come, when somebody looks on.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Work that is over sooner is not told of.
const LONG: Duration = Duration::from_millis(400);
/// How often the line is written anew.
const OFTEN: Duration = Duration::from_millis(100);
const WIDTH: usize = 24;

/// How far work has come. Into a pipe or a file nothing is written.
pub struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    shown: bool,
    told: Instant,
    terminal: bool,
}

impl Progress {
    /// Work of so many pieces or bytes.
    pub fn of(what: &'static str, total: u64) -> Self {
        // The first line comes when the work is long.
        let told = Instant::now() + LONG.saturating_sub(OFTEN);
        Self { what, total, done: 0, shown: false, told, terminal: stderr().is_terminal() }
    }

    /// Some more of it is done.
    pub fn add(&mut self, more: u64) {
        self.done += more;
        if !self.terminal || Instant::now().checked_duration_since(self.told).is_none_or(|since| since < OFTEN) {
            return;
        }
        self.told = Instant::now();
        self.shown = true;
        let line = bar(self.what, self.done, self.total);
        // A terminal that has gone away is no fault of the work.
        let _ = write!(stderr(), "\r{line}\x1b[K").and_then(|()| stderr().flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K").and_then(|()| stderr().flush());
        }
    }
}

fn bar(what: &str, done: u64, total: u64) -> String {
    let share = if total == 0 { 100 } else { (u128::from(done.min(total)) * 100 / u128::from(total)) as usize };
    let full = WIDTH * share / 100;
    format!("{what} [{}{}] {share:>3} %", "#".repeat(full), "-".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        assert_eq!(bar("x", 0, 0), format!("x [{}] 100 %", "#".repeat(WIDTH)));
        assert_eq!(bar("x", 1, 2), format!("x [{}{}]  50 %", "#".repeat(WIDTH / 2), "-".repeat(WIDTH / 2)));
        assert!(bar("x", u64::MAX, 1).ends_with("100 %"));
    }
}
