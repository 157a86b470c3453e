//! Routes of complements: what is asked, and where the answer comes from.

use actix_web::{HttpRequest, HttpResponse};

use super::{Complement, Complements};
use crate::catalogue::answer;
use crate::catalogue::publication::routes::{EditionsPage, WorkEdition, edition_parameters, find_edition, list_editions};
use crate::error::Error;
use crate::openapi::{ListProblems, ReadProblems};

crate::catalogue::described::documented!(Complements, Complement, ComplementsPage, ListComplements, FindComplements);

/// List the complements
///
/// The complements, by number; those whose number is not known stand last.
#[utoipa::path(get, path = "/v1/complements", tag = "Complements", operation_id = "listComplements", params(ListComplements),
    responses((status = 200, description = "A page of complements.", body = ComplementsPage), ListProblems))]
pub async fn list_complements(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::list::<Complements>(request).await
}

/// Read a complement
///
/// One complement, with its editions and the volumes it deepens.
#[utoipa::path(get, path = "/v1/complements/{complementId}", tag = "Complements", operation_id = "findComplement", params(FindComplements),
    responses((status = 200, description = "The complement.", body = Complement), ReadProblems))]
pub async fn find_complement(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::item::<Complements>(request).await
}

/// Read an edition of a complement
///
/// The complement in one language: its title, date, pages, the facts of its file, and how to obtain it.
#[utoipa::path(get, path = "/v1/complements/{complementId}/editions/{languageCode}", tag = "Complements", operation_id = "findComplementEdition", params(FindEdition),
    responses((status = 200, description = "The edition.", body = WorkEdition), ReadProblems))]
pub async fn find_complement_edition(request: HttpRequest) -> Result<HttpResponse, Error> {
    find_edition::<Complements>(request).await
}

/// List the editions of a complement
///
/// The languages a complement was published in, all on one page.
#[utoipa::path(get, path = "/v1/complements/{complementId}/editions", tag = "Complements", operation_id = "listComplementEditions", params(ListEditions),
    responses((status = 200, description = "The editions.", body = EditionsPage), ReadProblems))]
pub async fn list_complement_editions(request: HttpRequest) -> Result<HttpResponse, Error> {
    list_editions::<Complements>(request).await
}

/// The path of an edition of a complement.
struct FindEdition;

impl utoipa::IntoParams for FindEdition {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        edition_parameters::<Complements>(true)
    }
}

/// The path of the editions of a complement.
struct ListEditions;

impl utoipa::IntoParams for ListEditions {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        edition_parameters::<Complements>(false)
    }
}
