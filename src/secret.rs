//! The secret, and the keys that are derived from it: one for each purpose, so that what is signed for one can never serve another.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::db::Target;

/// The shortest secret accepted.
const SHORTEST: usize = 32;

/// One or several secrets: the first signs and encrypts, all of them verify and decrypt, so that a key can be changed without breaking what is out.
#[derive(Clone)]
pub struct Secret {
    keys: Arc<[Vec<u8>]>,
    /// What was derived for each purpose so far: the purposes are few, and a key is asked for many times a request.
    derived: Arc<RwLock<BTreeMap<String, Arc<[Derived]>>>>,
}

/// A key for one purpose, and the keyed hash that is ready to take a message.
struct Derived {
    key: [u8; 32],
    mac: Hmac<Sha256>,
}

impl Secret {
    /// Parses the setting: secrets separated by commas.
    ///
    /// # Errors
    /// When one is too short to be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys: Vec<Vec<u8>> = text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(|key| key.as_bytes().to_vec()).collect();
        if keys.is_empty() || keys.iter().any(|key| key.len() < SHORTEST) {
            return Err(format!(
                "HANDBOOKS_SECRET must have at least {SHORTEST} characters (each, when several are given); make one with `openssl rand -base64 32`"
            ));
        }
        Ok(Self { keys: keys.into(), derived: Arc::default() })
    }

    /// The secret of the setting, else the one kept beside the database, else a new one that is put there.
    ///
    /// # Errors
    /// A sentence when there is none and none can be kept.
    pub fn of(setting: Option<&str>, target: &Target) -> Result<Self, String> {
        if let Some(text) = setting.filter(|text| !text.is_empty()) {
            return Self::parse(text);
        }
        let Some(database) = target.file() else {
            return Err(format!(
                "HANDBOOKS_SECRET is required with {target}, which has no file that one could be kept beside; make one with `openssl rand -base64 32`"
            ));
        };
        let mut path = database.as_os_str().to_owned();
        path.push(".secret");
        Self::kept(Path::new(&path))
    }

    fn kept(path: &Path) -> Result<Self, String> {
        let fault = |e: std::io::Error| format!("the secret beside the database, {}: {e}", path.display());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(mut file) => {
                let mut bytes = [0u8; 32];
                getrandom::fill(&mut bytes).map_err(|e| format!("no randomness for a secret: {e}"))?;
                let text = URL_SAFE_NO_PAD.encode(bytes);
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
                log::warn!("made a secret and kept it in {}; keep it with the database, or set HANDBOOKS_SECRET", path.display());
                Self::parse(&text)
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut text = String::new();
                OpenOptions::new().read(true).open(path).and_then(|mut file| file.read_to_string(&mut text)).map_err(fault)?;
                Self::parse(text.trim()).map_err(|_| {
                    format!("{} holds no usable secret; remove it to have a new one made (links and tokens given out then end)", path.display())
                })
            }
            Err(e) => Err(fault(e)),
        }
    }

    /// What is derived for one purpose, of every accepted secret, the present one first.
    fn derived(&self, purpose: &str) -> Arc<[Derived]> {
        if let Some(known) = self.derived.read().unwrap_or_else(PoisonError::into_inner).get(purpose) {
            return Arc::clone(known);
        }
        let made: Arc<[Derived]> = self
            .keys
            .iter()
            .map(|secret| {
                let key = derive(secret, purpose);
                Derived { key, mac: hmac(&key) }
            })
            .collect();
        self.derived.write().unwrap_or_else(PoisonError::into_inner).insert(purpose.to_owned(), Arc::clone(&made));
        made
    }

    /// The key for one purpose, of the present secret.
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        self.derived(purpose)[0].key
    }

    /// The keys for one purpose, of every accepted secret, the present one first.
    pub fn keys(&self, purpose: &str) -> Vec<[u8; 32]> {
        self.derived(purpose).iter().map(|one| one.key).collect()
    }

    /// A keyed hash of `message` for one purpose.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.derived(purpose)[0].hash(message).finalize().into_bytes().into()
    }

    /// The keyed hash as text, for a column that is looked up by it.
    pub fn hash(&self, purpose: &str, message: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose, message))
    }

    /// The keyed hashes of `message` under every accepted secret, the present one first: what was stored before the secret was changed is found as well.
    pub fn hashes(&self, purpose: &str, message: &[u8]) -> Vec<String> {
        self.derived(purpose).iter().map(|one| URL_SAFE_NO_PAD.encode(one.hash(message).finalize().into_bytes())).collect()
    }

    /// Whether `tag` (at least 12 bytes of it) was made for `message` with any accepted secret. Constant time per secret.
    pub fn verify(&self, purpose: &str, message: &[u8], tag: &[u8]) -> bool {
        tag.len() >= 12 && self.derived(purpose).iter().any(|one| one.hash(message).verify_truncated_left(tag).is_ok())
    }
}

impl Derived {
    fn hash(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(message);
        mac
    }
}

fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes a key of any length") };
    mac
}

fn derive(secret: &[u8], purpose: &str) -> [u8; 32] {
    let mut key = [0u8; 32];
    // 32 bytes is far below HKDF's limit of 255 blocks, the only way this can fail.
    if Hkdf::<Sha256>::new(Some(b"handbooks"), secret).expand(purpose.as_bytes(), &mut key).is_err() {
        unreachable!("HKDF gives 32 bytes");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Secret::parse(&old).unwrap();
        let after = Secret::parse(&format!("{new},{old}")).unwrap();
        let tag = before.mac("link", b"x");
        assert!(after.verify("link", b"x", &tag));
        assert!(!after.verify("cursor", b"x", &tag));
        assert!(!Secret::parse(&new).unwrap().verify("link", b"x", &tag));
        assert!(Secret::parse("short").is_err());
    }
}
