//! Whether a file is a PDF that everybody can read, and the facts of it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use lopdf::Document;
use lopdf::xref::XrefRecovery;
use sha2::{Digest, Sha256};

/// Readers look for `%%EOF` within so many bytes of the end, and so do we.
const TAIL: u64 = 1024;

/// The facts of a PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdf {
    pub bytes: i64,
    /// Of the bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// Counted in the page tree.
    pub pages: i32,
}

/// Looks into the file at `path`. It blocks, and holds the document in memory.
///
/// # Errors
/// A sentence when it is not a whole PDF with pages that opens without a password.
pub fn inspect(path: &Path) -> Result<Pdf, String> {
    inspect_as(path, &path.display().to_string())
}

/// The same for a file that is called otherwise in what is said of it.
///
/// # Errors
/// The same.
pub fn inspect_as(path: &Path, name: &str) -> Result<Pdf, String> {
    let unreadable = |e: std::io::Error| format!("{name} cannot be read: {e}");
    let mut file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(format!("{name} is not a file"));
    }
    if meta.len() == 0 {
        return Err(format!("{name} is empty"));
    }
    let mut magic = Vec::with_capacity(5);
    (&mut file).take(5).read_to_end(&mut magic).map_err(unreadable)?;
    match magic.as_slice() {
        b"%PDF-" => {}
        [b'P', b'K', ..] => return Err(format!("{name} is not a PDF but a ZIP archive (or an office document, which is one)")),
        _ => return Err(format!("{name} is not a PDF: it does not begin with %PDF-")),
    }
    file.seek(SeekFrom::Start(meta.len().saturating_sub(TAIL))).map_err(unreadable)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(unreadable)?;
    if !tail.windows(5).any(|window| window == b"%%EOF") {
        return Err(format!("{name} is a PDF that was cut off: its end is missing"));
    }

    let pages = pages(path).map_err(|what| format!("{name} {what}"))?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let (bytes, sha256) = digest(&mut file).map_err(unreadable)?;
    Ok(Pdf { bytes, sha256, pages })
}

/// Counts the pages.
fn pages(path: &Path) -> Result<i32, String> {
    // An empty user password opens by itself: such a file only restricts what editors may do with it.
    let document = Document::load(path).map_err(|e| match e {
        lopdf::Error::InvalidPassword => LOCKED.to_owned(),
        lopdf::Error::UnsupportedSecurityHandler(_) => "is encrypted in a way that ordinary readers do not open".to_owned(),
        other => format!("is a damaged PDF: {other}"),
    })?;
    if document.is_encrypted() {
        return Err(LOCKED.into());
    }
    if document.xref_recovery == Some(XrefRecovery::Reconstructed) {
        return Err("is a damaged PDF: its table of contents (xref) is missing or wrong, so a part of it may be".into());
    }
    match document.page_iter().count() {
        0 => Err("is a PDF without a page".into()),
        count => i32::try_from(count).map_err(|_| "has more pages than can be counted".into()),
    }
}

const LOCKED: &str = "is a PDF that opens with a password only";

/// Counts and hashes the bytes in one pass, so that both are of the same content.
fn digest(file: &mut File) -> std::io::Result<(i64, String)> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let bytes = i64::try_from(bytes).map_err(std::io::Error::other)?;
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        bytes += read;
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lopdf::{EncryptionState, EncryptionVersion, Object, Permissions, Stream, dictionary};
    use tempfile::TempDir;

    use super::*;

    /// A PDF with so many pages.
    fn pdf(pages: usize) -> Document {
        let mut document = Document::with_version("1.5");
        let tree = document.new_object_id();
        let kids: Vec<Object> = (0..pages)
            .map(|_| {
                let content = document.add_object(Stream::new(dictionary! {}, b"BT ET".to_vec()));
                document.add_object(dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content, "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] }).into()
            })
            .collect();
        document.objects.insert(tree, dictionary! { "Type" => "Pages", "Count" => i64::try_from(pages).unwrap(), "Kids" => kids }.into());
        let root = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
        document.trailer.set("Root", root);
        let id = || Object::string_literal("0123456789abcdef");
        document.trailer.set("ID", vec![id(), id()]);
        document
    }

    fn encrypted(owner: &str, user: &str) -> Document {
        let mut document = pdf(2);
        let state = EncryptionState::try_from(EncryptionVersion::V2 {
            document: &document,
            owner_password: owner,
            user_password: user,
            key_length: 128,
            permissions: Permissions::PRINTABLE,
        })
        .unwrap();
        document.encrypt(&state).unwrap();
        document
    }

    fn bytes(mut document: Document) -> Vec<u8> {
        let mut out = Vec::new();
        document.save_to(&mut out).unwrap();
        out
    }

    fn file(folder: &TempDir, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join("handbook.pdf");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn the_facts_of_a_pdf() {
        let folder = tempfile::tempdir().unwrap();
        let content = bytes(pdf(3));
        let found = inspect(&file(&folder, &content)).unwrap();
        assert_eq!(found, Pdf { bytes: i64::try_from(content.len()).unwrap(), sha256: hex(&Sha256::digest(&content)), pages: 3 });
    }

    #[test]
    fn what_only_restricts_editing_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(inspect(&file(&folder, &bytes(encrypted("owner", "")))).unwrap().pages, 2);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let whole = bytes(pdf(3));
        // Cut off, with a last line that claims to be the end.
        let mut patched = whole[..whole.len() / 2].to_vec();
        patched.extend_from_slice(b"\n%%EOF\n");
        let cases: [(&[u8], &str); 8] = [
            (b"", "is empty"),
            (b"PK\x03\x04 and more", "ZIP"),
            (b"hello, this is text", "does not begin with %PDF-"),
            (b"%PDF-1.7\nnothing\n%%EOF\n", "damaged"),
            (&whole[..whole.len() / 2], "cut off"),
            (&patched, "damaged"),
            (&bytes(pdf(0)), "without a page"),
            (&bytes(encrypted("owner", "user")), "password"),
        ];
        for (content, said) in cases {
            let sentence = inspect(&file(&folder, content)).unwrap_err();
            assert!(sentence.contains(said), "{sentence}");
        }
        assert!(inspect(folder.path()).unwrap_err().contains("is not a file"));
        assert!(inspect(&folder.path().join("absent")).is_err());
    }
}
