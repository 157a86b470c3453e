//! How many requests an address may make within a minute, and how they are counted. Addresses are held in memory alone, and no more than ten thousand of
//! them. Minutes are whole ones of the server: around the turn of one, twice as many may pass within seconds.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quick_cache::sync::Cache;

/// How many addresses are remembered at once.
const ADDRESSES: usize = 10_000;
/// In seconds.
pub const MINUTE: u64 = 60;

/// Counts something by address, anew each minute.
pub struct Minutes {
    /// The minute and the number in it.
    counts: Cache<IpAddr, Arc<AtomicU64>>,
    origin: Instant,
}

impl Default for Minutes {
    fn default() -> Self {
        Self { counts: Cache::new(ADDRESSES), origin: Instant::now() }
    }
}

impl Minutes {
    fn now(&self) -> u64 {
        self.origin.elapsed().as_secs()
    }

    /// In how many seconds the next minute begins.
    pub fn left(&self) -> u64 {
        MINUTE - self.now() % MINUTE
    }

    /// How many were counted within this minute.
    pub fn seen(&self, address: IpAddr) -> u32 {
        let minute = self.now() / MINUTE;
        self.counts.get(&network(address)).map_or(0, |count| within(count.load(Ordering::Relaxed), minute))
    }

    /// Counts one more, and tells how many there are.
    pub fn count(&self, address: IpAddr) -> u32 {
        self.change(address, self.now() / MINUTE, |known| known.saturating_add(1))
    }

    fn change(&self, address: IpAddr, minute: u64, next: impl Fn(u32) -> u32) -> u32 {
        let Ok(count) = self.counts.get_or_insert_with(&network(address), || Ok::<_, Infallible>(Arc::default()));
        let changed = |known: u64| Some(minute << 32 | u64::from(next(within(known, minute))));
        // The closure always gives a value; what it began with leads to what it gave.
        let (Ok(known) | Err(known)) = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
        next(within(known, minute))
    }
}

/// The number in a count, if it is of this minute.
fn within(count: u64, minute: u64) -> u32 {
    if count >> 32 == minute { u32::try_from(count & 0xffff_ffff).unwrap_or(u32::MAX) } else { 0 }
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

/// The limit of requests.
#[derive(Default)]
pub struct Limit {
    /// Within a minute; `None` when there is none.
    quota: Option<u32>,
    minutes: Minutes,
}

/// Where an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub quota: u32,
    /// How many requests are left within this minute; nothing when this one was too much already.
    pub left: Option<u32>,
    /// In how many seconds the count begins anew.
    pub reset: u64,
    minute: u64,
}

impl Limit {
    /// Allows so many requests within a minute.
    pub fn new(quota: Option<u32>) -> Self {
        Self { quota, minutes: Minutes::default() }
    }

    /// Where an address stands before it makes a request.
    pub fn look(&self, address: impl FnOnce() -> Option<IpAddr>) -> Option<Standing> {
        self.standing(address, |address, _| self.minutes.seen(address))
    }

    /// Counts a request; nothing when there is no limit for it.
    pub fn count(&self, address: impl FnOnce() -> Option<IpAddr>) -> Option<Standing> {
        self.standing(address, |address, minute| self.minutes.change(address, minute, |known| known.saturating_add(1)))
    }

    /// Gives a request back that turned out to cost nothing, within the minute that it was counted in.
    pub fn give_back(&self, counted: Standing, address: impl FnOnce() -> Option<IpAddr>) -> Option<Standing> {
        self.standing(address, |address, minute| {
            if minute == counted.minute { self.minutes.change(address, minute, |known| known.saturating_sub(1)) } else { self.minutes.seen(address) }
        })
    }

    fn standing(&self, address: impl FnOnce() -> Option<IpAddr>, used: impl FnOnce(IpAddr, u64) -> u32) -> Option<Standing> {
        let (quota, now) = (self.quota?, self.minutes.now());
        let minute = now / MINUTE;
        Some(Standing { quota, left: quota.checked_sub(used(address()?, minute)), reset: MINUTE - now % MINUTE, minute })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count() {
        let limit = Limit::new(Some(2));
        let (one, other) = (|| "10.0.0.1".parse().ok(), || "10.0.0.2".parse().ok());
        let left = |standing: Option<Standing>| standing.unwrap().left;
        assert_eq!([left(limit.count(one)), left(limit.count(one)), left(limit.count(one))], [Some(1), Some(0), None]);
        let counted = limit.count(other).unwrap();
        assert_eq!(counted.left, Some(1));
        assert_eq!(left(limit.give_back(counted, other)), Some(2));
        assert_eq!(left(limit.give_back(counted, other)), Some(2), "never more than there was");
        limit.count(other);
        let before = Standing { minute: counted.minute + 1, ..counted };
        assert_eq!(left(limit.give_back(before, other)), Some(1), "what was counted in another minute stays counted");
        assert_eq!(limit.count(|| None), None);
        assert_eq!(Limit::default().count(one), None);
    }

    #[test]
    fn a_network_is_one_address() {
        let minutes = Minutes::default();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        minutes.count(at("2001:db8::1"));
        assert_eq!(minutes.count(at("2001:db8::ffff")), 2);
        assert_eq!(minutes.count(at("2001:db8:0:1::1")), 1);
        minutes.count(at("10.0.0.1"));
        assert_eq!(minutes.seen(at("::ffff:10.0.0.1")), 1);
    }
}
