//! What a key looks like: `hbk_`, an id, a random part, and a checksum by which scanners and we ourselves know a whole one from a broken one.

use sha2::{Digest, Sha256};

use crate::error::Error;

/// Every key begins with it.
pub use crate::http::manners::KEY_PREFIX as PREFIX;
const ID: usize = 10;
const SECRET: usize = 52;
const CHECK: usize = 6;
/// No letters that are taken for each other (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A key as it is shown once.
pub struct Fresh {
    pub id: String,
    pub key: String,
}

/// Makes a key.
///
/// # Errors
/// When the system has no randomness.
pub fn make() -> Result<Fresh, Error> {
    let mut random = [0u8; ID + SECRET];
    getrandom::fill(&mut random).map_err(Error::internal)?;
    let text: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    let (id, secret) = text.split_at(ID);
    let body = format!("{PREFIX}{id}_{secret}");
    Ok(Fresh { id: id.to_owned(), key: format!("{body}{}", checksum(&body)) })
}

/// The id in a key that is whole.
pub fn id_of(key: &str) -> Option<&str> {
    if key.len() != PREFIX.len() + ID + 1 + SECRET + CHECK || !key.is_ascii() {
        return None;
    }
    let (body, check) = key.split_at(key.len() - CHECK);
    let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    let plain = |text: &str| text.bytes().all(|byte| ALPHABET.contains(&byte));
    (id.len() == ID && plain(id) && plain(secret) && checksum(body) == check).then_some(id)
}

/// Whether a text can be the id of a key.
pub fn is_id(text: &str) -> bool {
    text.len() == ID && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// What is stored of a key. It is as random as can be, so that one hash is enough.
pub fn hash(key: &str) -> String {
    hex(&Sha256::digest(key))
}

/// As long as a hash, and that of nothing.
pub const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Compares in constant time.
pub fn same(stored: &str, given: &str) -> bool {
    stored.len() == given.len() && stored.bytes().zip(given.bytes()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

fn checksum(body: &str) -> String {
    Sha256::digest(body).iter().take(CHECK).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_checksum() {
        let Fresh { id, key } = make().unwrap();
        assert_eq!(id_of(&key), Some(id.as_str()));
        assert!(is_id(&id));
        let mut other = key.clone().into_bytes();
        let place = other.len() - 20;
        other[place] = if other[place] == b'a' { b'b' } else { b'a' };
        for broken in [&key[..key.len() - 1], &key[4..], &String::from_utf8(other).unwrap(), "hbk_", "", &format!("{key}a"), &key.to_uppercase()] {
            assert_eq!(id_of(broken), None, "{broken}");
        }
        assert!(same(&hash(&key), &hash(&key)) && !same(&hash(&key), &hash("x")) && !same(NO_HASH, &hash(&key)));
        assert_eq!(NO_HASH.len(), hash(&key).len());
        assert_ne!(make().unwrap().key, key);
    }
}
