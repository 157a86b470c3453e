//! PDFs made for the tests.

use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, Stream, dictionary};

/// A PDF with so many pages, and with so many bytes that no page shows.
pub fn pdf(pages: usize, padding: usize) -> Vec<u8> {
    bytes(document(pages, padding))
}

/// A PDF that opens with a password only.
pub fn locked() -> Vec<u8> {
    let mut document = document(1, 0);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: "user",
        key_length: 128,
        permissions: Permissions::PRINTABLE,
    };
    let state = EncryptionState::try_from(version).expect("an encryption");
    document.encrypt(&state).expect("an encrypted document");
    bytes(document)
}

fn bytes(mut document: Document) -> Vec<u8> {
    let mut out = Vec::new();
    document.save_to(&mut out).expect("a document in memory");
    out
}

fn document(pages: usize, padding: usize) -> Document {
    let mut document = Document::with_version("1.5");
    let tree = document.new_object_id();
    let kids: Vec<Object> = (0..pages)
        .map(|_| {
            let content = document.add_object(Stream::new(dictionary! {}, b"BT ET".to_vec()));
            let page = dictionary! { "Type" => "Page", "Parent" => tree, "Contents" => content, "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()] };
            document.add_object(page).into()
        })
        .collect();
    document.objects.insert(tree, dictionary! { "Type" => "Pages", "Count" => i64::try_from(pages).expect("few pages"), "Kids" => kids }.into());
    // Bytes that differ from place to place, so that a part taken from elsewhere is found out.
    let mut seed = 1u32;
    let filling = (0..padding).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    });
    document.add_object(Stream::new(dictionary! {}, filling.collect()));
    let root = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    document.trailer.set("Root", root);
    let id = || Object::string_literal("0123456789abcdef");
    document.trailer.set("ID", vec![id(), id()]);
    document
}
