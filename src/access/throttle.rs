//! Guessing is slowed down: after some wrong keys within a minute, keys from that address are not looked at until the minute is over.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quick_cache::sync::Cache;

/// How many addresses are remembered at once.
const ADDRESSES: usize = 10_000;
const MINUTE: u64 = 60;

/// Counts wrong keys by address.
pub struct Throttle {
    /// Within a minute; `None` when nothing is slowed down.
    limit: Option<u32>,
    /// The minute and the number of wrong keys in it.
    counts: Cache<IpAddr, Arc<AtomicU64>>,
    origin: Instant,
}

impl Throttle {
    /// Allows so many wrong keys within a minute.
    pub fn new(limit: Option<u32>) -> Self {
        Self { limit, counts: Cache::new(ADDRESSES), origin: Instant::now() }
    }

    /// For how many seconds keys from an address are not looked at.
    pub fn wait(&self, address: Option<IpAddr>) -> Option<u64> {
        let (limit, now) = (self.limit?, self.origin.elapsed().as_secs());
        let count = self.counts.get(&network(address?))?.load(Ordering::Relaxed);
        (count >> 32 == now / MINUTE && (count & 0xffff_ffff) >= u64::from(limit)).then(|| MINUTE - now % MINUTE)
    }

    /// Counts a wrong key.
    pub fn count(&self, address: Option<IpAddr>) {
        let (Some(_), Some(address)) = (self.limit, address) else { return };
        let minute = self.origin.elapsed().as_secs() / MINUTE;
        let Ok(count) = self.counts.get_or_insert_with(&network(address), || Ok::<_, std::convert::Infallible>(Arc::default()));
        let next = |known: u64| Some(if known >> 32 == minute { known.saturating_add(1) } else { minute << 32 | 1 });
        // The closure always gives a value.
        let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }
}

/// Whoever has an IPv6 address has the 64 bits after the network too.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        },
        v4 => v4,
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
