//! What we publish: the collection and its nouns. `answer` is the path of every read and `pen` that of every write,
//! `record` what all nouns share, `listing` their lists, `every` all of them by the word for their kind; `edit` and `mirror` stand on these.

pub mod answer;
pub mod collection;
pub mod complement;
pub mod date;
pub mod described;
pub mod edit;
pub mod event;
pub mod every;
pub mod face;
pub mod history;
pub mod language;
pub mod life;
pub mod listing;
pub mod locale;
pub mod mirror;
pub mod noun;
pub mod parts;
pub mod past;
pub mod pen;
pub mod publication;
pub mod record;
pub mod referred;
pub mod revision;
pub mod seed;
pub mod supporter;
pub mod testimony;
pub mod theme;
pub mod tombstone;
pub mod translations;
pub mod volume;
