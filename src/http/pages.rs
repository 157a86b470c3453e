//! Pages of the lists that have one order of their own and no languages: histories, the audit log, keys, translations. Those of the catalogue, which
//! are sorted and filtered in many ways, are paged where they are listed.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LINK};
use serde::Serialize;
use utoipa::openapi::path::Parameter;

use super::cursor::{Cursor, SortValue};
use super::question::{Declaration, Kind, MAX_PAGE_SIZE, Param, Question};
use crate::error::{Error, Issue, IssueKind};
use crate::secret::Secret;

/// What every such list asks.
pub fn paging() -> [Param; 2] {
    [
        Param::one("pageSize", Kind::Integer { min: 1, max: MAX_PAGE_SIZE }, "How many items a page has.", "20"),
        Param::one("after", Kind::Cursor, "Where to go on: the cursor of a `next` or `prev` link, never made by hand.", ""),
    ]
}

/// The question of a list that is only paged.
pub static PAGED: LazyLock<Declaration> = LazyLock::new(|| Declaration { params: paging().to_vec(), default_sort: &[], select: None });

/// The parameters of a list that is only paged, for the description.
pub struct PagedQuestion;

impl utoipa::IntoParams for PagedQuestion {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        PAGED.parameters()
    }
}

/// Where a page begins: beyond these numbers, or where the list does; and which way it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub numbers: Option<Vec<i64>>,
    pub backward: bool,
}

impl Place {
    fn beyond(numbers: Vec<i64>, backward: bool) -> Self {
        Self { numbers: Some(numbers), backward }
    }

    /// The last of the numbers: the only one, where places have but one.
    pub fn number(&self) -> Option<i64> {
        self.numbers.as_ref()?.last().copied()
    }
}

/// A page that is asked for.
pub struct Asked {
    pub question: Question,
    /// The path of the list, below `/v1/`.
    path: String,
    /// What its cursors are of.
    identity: String,
    place: Place,
}

/// A page that was found.
pub struct Part<T> {
    pub items: Vec<T>,
    /// How many there are over all pages.
    pub total: i64,
    next: Option<Place>,
    prev: Option<Place>,
}

impl<T> Part<T> {
    /// The same page of what comes of its items.
    pub fn map<U>(self, turned: impl FnMut(T) -> U) -> Part<U> {
        Part { items: self.items.into_iter().map(turned).collect(), total: self.total, next: self.next, prev: self.prev }
    }
}

/// The addresses of a page and of those beside it, absolute.
pub struct Links {
    pub this: String,
    pub first: String,
    pub next: Option<String>,
    pub prev: Option<String>,
}

impl Asked {
    /// Reads the query of a list whose places have so many numbers. Cursors are of what `identity` names, wherever that lies.
    ///
    /// # Errors
    /// 400 with every fault; a cursor of ours that belongs elsewhere is one.
    pub fn read(query: &str, declaration: &Declaration, path: &str, identity: &str, numbers: usize, secret: &Secret) -> Result<Self, Error> {
        let question = declaration.parse(query).map_err(Error::bad_request)?;
        let mut asked = Self { question, path: path.to_owned(), identity: identity.to_owned(), place: Place::default() };
        if let Some(token) = asked.question.one("after") {
            let cursor = Cursor::decode(token, &asked.identity(), secret).map_err(|issue| Error::bad_request(vec![*issue]))?;
            let found: Option<Vec<i64>> =
                cursor.values.iter().map(|value| if let SortValue::Number(number) = value { Some(*number) } else { None }).collect();
            let Some(found) = found.filter(|found| found.len() == numbers || (found.is_empty() && cursor.backward)) else {
                let detail = "This cursor is of an earlier release; start again without 'after'.";
                return Err(Error::bad_request(vec![Issue::new(IssueKind::SchemaViolation, "query", "after", detail).value(token)]));
            };
            asked.place = Place { numbers: Some(found).filter(|found| !found.is_empty()), backward: cursor.backward };
        }
        Ok(asked)
    }

    /// That the cursor belongs to another list.
    pub fn foreign(&self) -> Error {
        let detail = "This cursor belongs to another list; start again without 'after', or follow 'next' unchanged.";
        let issue = Issue::new(IssueKind::SchemaViolation, "query", "after", detail);
        Error::bad_request(vec![issue.value(self.question.one("after").unwrap_or_default())])
    }

    /// The list that it is a page of, and what narrows it.
    fn identity(&self) -> String {
        address("", &self.identity, &self.question.canonical(&["after", "pageSize"]))
    }

    /// The numbers that the page begins beyond.
    pub fn numbers(&self) -> Option<&[i64]> {
        self.place.numbers.as_deref()
    }

    /// The page: `fetch` gives so many items with their places, in the order of the list from a place on, or in the other order when that is read backward.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub fn part<T>(&self, total: i64, mut fetch: impl FnMut(&Place, i64) -> Result<Vec<(Vec<i64>, T)>, Error>) -> Result<Part<T>, Error> {
        let size = self.question.page_size();
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        let mut place = self.place.clone();
        let mut found = fetch(&place, size + 1)?;
        if found.is_empty() && place.backward {
            // What stood before is gone: the list begins here.
            place = Place::default();
            found = fetch(&place, size + 1)?;
        }
        let more = found.len() > wanted;
        found.truncate(wanted);
        if place.backward {
            found.reverse();
        }
        let (Some((first, _)), Some((last, _))) = (found.first(), found.last()) else {
            // Beyond the end: the way back is from there.
            let prev = place.numbers.is_some().then_some(Place { numbers: None, backward: true });
            return Ok(Part { items: Vec::new(), total, next: None, prev });
        };
        let (next, prev) = (Place::beyond(last.clone(), false), Place::beyond(first.clone(), true));
        let has_next = if place.backward { place.numbers.is_some() && !fetch(&next, 1)?.is_empty() } else { more };
        let has_prev = if place.backward { more } else { place.numbers.is_some() && !fetch(&prev, 1)?.is_empty() };
        let items = found.into_iter().map(|(_, item)| item).collect();
        Ok(Part { items, total, next: has_next.then_some(next), prev: has_prev.then_some(prev) })
    }

    /// The addresses that a page tells.
    pub fn links<T>(&self, part: &Part<T>, base: &str, secret: &Secret) -> Links {
        let rest = self.question.canonical(&["after"]);
        let turn = |place: &Place| {
            let values = place.numbers.iter().flatten().copied().map(SortValue::Number).collect();
            let token = Cursor::new(&self.identity(), values, place.backward).encode(secret);
            let and = if rest.is_empty() { "" } else { "&" };
            address(base, &self.path, &format!("{rest}{and}after={token}"))
        };
        Links {
            this: address(base, &self.path, &self.question.canonical(&[])),
            first: address(base, &self.path, &rest),
            next: part.next.as_ref().map(turn),
            prev: part.prev.as_ref().map(turn),
        }
    }
}

fn address(base: &str, path: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}/v1/{path}{mark}{query}")
}

/// The answer that a page is: for nobody else to keep.
pub fn answer(page: &impl Serialize, next: Option<&String>, prev: Option<&String>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    for (relation, link) in [("next", next), ("prev", prev)] {
        if let Some(link) = link {
            response.append_header((LINK, format!("<{link}>; rel=\"{relation}\"")));
        }
    }
    response.json(page)
}

/// A page of a list, newest first or in its own order.
macro_rules! paged {
    ($(#[$doc:meta])* $name:ident of $item:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// This page.
            #[serde(rename = "self")]
            pub this: String,
            pub items: Vec<$item>,
            /// How many there are over all pages.
            #[schema(example = 12)]
            pub total: i64,
            /// How many a page has at most.
            #[schema(example = 20)]
            pub page_size: i64,
            /// The next page, absolute; absent on the last one.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub next: Option<String>,
            /// The page before.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub prev: Option<String>,
            /// The first page.
            pub first: String,
        }

        impl $name {
            /// The page, as it is told.
            pub fn new(asked: &$crate::http::pages::Asked, part: $crate::http::pages::Part<$item>, base: &str, secret: &$crate::secret::Secret) -> Self {
                let $crate::http::pages::Links { this, first, next, prev } = asked.links(&part, base, secret);
                Self { this, items: part.items, total: part.total, page_size: asked.question.page_size(), next, prev, first }
            }
        }
    };
}
pub(crate) use paged;

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(list: &[i64], place: &Place, limit: i64) -> Vec<(Vec<i64>, i64)> {
        let beyond = |number: &i64| match place.number() {
            Some(at) if place.backward => *number < at,
            Some(at) => *number > at,
            None => true,
        };
        let mut from: Vec<i64> = list.iter().copied().filter(beyond).collect();
        if place.backward {
            from.reverse();
        }
        from.into_iter().take(usize::try_from(limit).unwrap()).map(|number| (vec![number], number)).collect()
    }

    #[test]
    fn pages_follow_each_other_both_ways() {
        let secret = Secret::parse(&"s".repeat(32)).unwrap();
        let read = |list: &[i64], address: &str| {
            let query = address.split_once('?').map_or("", |(_, query)| query);
            let asked = Asked::read(query, &PAGED, "things", "things", 1, &secret).unwrap();
            let part = asked.part(7, |place, limit| Ok(fetch(list, place, limit))).unwrap();
            let links = asked.links(&part, "http://x", &secret);
            (part.items, links)
        };
        let all = [1, 2, 3, 4, 5, 6, 7];
        let (items, first) = read(&all, "?pageSize=3");
        assert_eq!((items, first.prev, first.this.as_str()), (vec![1, 2, 3], None, "http://x/v1/things?pageSize=3"));
        let to_second = first.next.unwrap();
        let (items, second) = read(&all, &to_second);
        assert_eq!((items, second.first), (vec![4, 5, 6], first.this));
        let to_third = second.next.unwrap();
        let (items, third) = read(&all, &to_third);
        assert_eq!((items, third.next), (vec![7], None));
        let (items, back) = read(&all, &third.prev.unwrap());
        assert_eq!(items, [4, 5, 6]);
        let to_first = back.prev.unwrap();
        let (items, start) = read(&all, &to_first);
        assert_eq!((items, start.prev), (vec![1, 2, 3], None));
        assert!(start.next.is_some());
        // What comes after is gone: the way back has all that is left, the last one too.
        let (items, beyond) = read(&all[..6], &to_third);
        assert_eq!((items, beyond.next), (Vec::new(), None));
        let (items, last) = read(&all[..6], &beyond.prev.unwrap());
        assert_eq!((items, last.next), (vec![4, 5, 6], None));
        assert_eq!(read(&all[..6], &last.prev.unwrap()).0, [1, 2, 3]);
        // What came before is gone: the list begins where it does now, and nothing is lost.
        let (items, begun) = read(&all[3..], &to_first);
        assert_eq!((items, begun.prev), (vec![4, 5, 6], None));
        assert_eq!(read(&all[3..], &begun.next.unwrap()).0, [7]);
        assert!(read(&[], &to_second).0.is_empty());
        // The cursor of another list is none of this one.
        let query = to_second.split_once('?').unwrap().1;
        assert!(Asked::read(query, &PAGED, "things", "others", 1, &secret).is_err());
        assert!(Asked::read(query, &PAGED, "things", "things", 2, &secret).is_err());
    }
}
