//! How the reads of the catalogue are described: the types that document a noun's list and item, and the parameters that paths and questions have.

use std::sync::LazyLock;

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::locale::{FALLBACK, LANG};
use super::noun::{Noun, moments};
use crate::http::question::{Declaration, Kind, Param};
use crate::http::{SLUG_MAX, SLUG_PATTERN};

/// Types that document a noun's list and item: its page, and the parameters of both.
macro_rules! documented {
    ($noun:ty, $view:ty, $page:ident, $list:ident, $find:ident) => {
        /// A page of the list.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $page {
            /// This page.
            #[serde(rename = "self")]
            pub this: String,
            pub items: Vec<$view>,
            /// Related resources by their `href`, when `embed` asks for them.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<std::collections::BTreeMap<String, Object>>)]
            pub embedded: Option<std::collections::BTreeMap<String, serde_json::Value>>,
            /// How many there are over all pages.
            #[schema(example = 6)]
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

        /// The parameters of the list.
        pub struct $list;

        impl utoipa::IntoParams for $list {
            fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
                <$noun as $crate::catalogue::noun::Noun>::declared().list.parameters()
            }
        }

        /// The parameters of an item.
        pub struct $find;

        impl utoipa::IntoParams for $find {
            fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
                $crate::catalogue::described::item_parameters::<$noun>()
            }
        }
    };
}
pub(crate) use documented;

/// The id in the path of an item, and its question.
pub fn item_parameters<N: Noun>() -> Vec<Parameter> {
    let example = match N::PATH {
        "languages" => "nl",
        "complements" => "leadership",
        "events" => "partnerships-presentation-2022",
        "testimonies" => "benoit-muller",
        _ => "mobility",
    };
    let mut all = vec![path_parameter(N::ID, "Stable id, as in the `href` of the resource.", example)];
    all.extend(N::declared().item.parameters());
    all
}

/// An id in a path.
pub fn path_parameter(name: &str, doc: &str, example: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(doc))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::String))
                .pattern(Some(SLUG_PATTERN))
                .min_length(Some(1))
                .max_length(Some(SLUG_MAX)),
        ))
        .example(Some(json!(example)))
        .build()
}

/// A code in a path.
pub fn code_parameter(name: &str, doc: &str, codes: &[&str], example: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(doc))
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(codes.iter().copied()))))
        .example(Some(json!(example)))
        .build()
}

/// The question of a resource that only has languages.
pub struct PlainQuestion;

impl PlainQuestion {
    /// `lang` and `fallback`.
    pub fn declaration() -> &'static Declaration {
        static DECLARATION: LazyLock<Declaration> = LazyLock::new(|| Declaration {
            params: vec![
                Param::one(
                    "lang",
                    Kind::Code(LANG),
                    "Language of the texts; wins over `Accept-Language`. `*` gives every text as an object by language.",
                    "fr",
                ),
                Param::one(
                    "fallback",
                    Kind::Code(FALLBACK),
                    "Whether another language of the declared chain may stand in (`declared`, the default) or not (`none`).",
                    "declared",
                ),
                moments()[0],
                moments()[1],
            ],
            default_sort: &[],
            select: None,
        });
        &DECLARATION
    }
}
