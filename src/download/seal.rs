//! Sealing what is personal before it is stored (ChaCha20-Poly1305, RFC 8439), and opening it again.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};

use crate::error::Error;
use crate::secret::Secret;

const NONCE: usize = 12;

/// Seals `plain` for one purpose. `bound` is what it belongs to: sealed text that is moved elsewhere does not open.
///
/// # Errors
/// When the system has no randomness.
pub fn seal(secret: &Secret, purpose: &str, bound: &str, plain: &[u8]) -> Result<String, Error> {
    let mut nonce = [0u8; NONCE];
    getrandom::fill(&mut nonce).map_err(|e| Error::internal(format!("no randomness: {e}")))?;
    let cipher = ChaCha20Poly1305::new(&secret.key(purpose).into());
    let sealed = cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: bound.as_bytes() }).map_err(|_| Error::internal("sealing failed"))?;
    Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Opens what was sealed for the same purpose and thing, under any accepted secret.
///
/// # Errors
/// When it was altered, moved, or sealed with a secret that is no longer accepted.
pub fn open(secret: &Secret, purpose: &str, bound: &str, sealed: &str) -> Result<Vec<u8>, Error> {
    let unopened = || Error::internal(format!("what was sealed for '{purpose}' does not open with the secrets there are"));
    let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| unopened())?;
    let (nonce, message) = bytes.split_first_chunk::<NONCE>().ok_or_else(unopened)?;
    secret
        .keys(purpose)
        .into_iter()
        .find_map(|key| ChaCha20Poly1305::new(&key.into()).decrypt(&Nonce::from(*nonce), Payload { msg: message, aad: bound.as_bytes() }).ok())
        .ok_or_else(unopened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Secret::parse(&old).unwrap();
        let after = Secret::parse(&format!("{new},{old}")).unwrap();
        let sealed = seal(&before, "identity", "request-1", b"Anna").unwrap();
        assert!(!sealed.contains("Anna"));
        assert_ne!(sealed, seal(&before, "identity", "request-1", b"Anna").unwrap());
        assert_eq!(open(&after, "identity", "request-1", &sealed).unwrap(), b"Anna");
        assert!(open(&after, "identity", "request-2", &sealed).is_err());
        assert!(open(&after, "other", "request-1", &sealed).is_err());
        assert!(open(&Secret::parse(&new).unwrap(), "identity", "request-1", &sealed).is_err());
        assert!(open(&after, "identity", "request-1", "x").is_err());
    }
}
