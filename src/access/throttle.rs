//! Guessing is slowed down: after some wrong keys within a minute, keys from that address are not looked at until the minute is over.

use std::net::IpAddr;

use crate::http::limit::Minutes;

/// Counts wrong keys by address.
pub struct Throttle {
    /// Within a minute; `None` when nothing is slowed down.
    limit: Option<u32>,
    minutes: Minutes,
}

impl Throttle {
    /// Allows so many wrong keys within a minute.
    pub fn new(limit: Option<u32>) -> Self {
        Self { limit, minutes: Minutes::default() }
    }

    /// For how many seconds keys from an address are not looked at.
    pub fn wait(&self, address: Option<IpAddr>) -> Option<u64> {
        (self.minutes.seen(address?) >= self.limit?).then(|| self.minutes.left())
    }

    /// Counts a wrong key.
    pub fn count(&self, address: Option<IpAddr>) {
        if let (Some(_), Some(address)) = (self.limit, address) {
            self.minutes.count(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_that_guesses_waits() {
        let throttle = Throttle::new(Some(2));
        let (one, same, other) = ("2001:db8::1".parse().ok(), "2001:db8::ffff".parse().ok(), "10.0.0.1".parse().ok());
        throttle.count(one);
        assert_eq!(throttle.wait(one), None);
        throttle.count(same);
        assert!(throttle.wait(one).is_some() && throttle.wait(same).is_some());
        assert_eq!(throttle.wait(other), None);
        let off = Throttle::new(None);
        off.count(one);
        assert_eq!(off.wait(one), None);
    }
}
