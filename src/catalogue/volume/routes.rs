//! Routes of volumes: what is asked, and where the answer comes from.

use actix_web::{HttpRequest, HttpResponse};

use super::{Volume, Volumes};
use crate::catalogue::answer;
use crate::catalogue::publication::routes::{EditionsPage, WorkEdition, edition_parameters, find_edition, list_editions};
use crate::error::Error;
use crate::openapi::{ListProblems, ReadProblems};

crate::catalogue::described::documented!(Volumes, Volume, VolumesPage, ListVolumes, FindVolumes);

/// List the volumes
///
/// The handbooks of the collection, by number. `language` asks for an edition in a language; `lang` is the language of the answer.
#[utoipa::path(get, path = "/v1/volumes", tag = "Volumes", operation_id = "listVolumes", params(ListVolumes),
    responses((status = 200, description = "A page of volumes.", body = VolumesPage), ListProblems))]
pub async fn list_volumes(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::list::<Volumes>(request).await
}

/// Read a volume
///
/// One handbook, with its editions, what it contains, and the complements, events and testimonies tied to it.
#[utoipa::path(get, path = "/v1/volumes/{volumeId}", tag = "Volumes", operation_id = "findVolume", params(FindVolumes),
    responses((status = 200, description = "The volume.", body = Volume), ReadProblems))]
pub async fn find_volume(request: HttpRequest) -> Result<HttpResponse, Error> {
    answer::item::<Volumes>(request).await
}

/// Read an edition of a volume
///
/// The volume in one language: its title, date, pages, the facts of its file, and how to obtain it.
#[utoipa::path(get, path = "/v1/volumes/{volumeId}/editions/{languageCode}", tag = "Volumes", operation_id = "findVolumeEdition", params(FindEdition),
    responses((status = 200, description = "The edition.", body = WorkEdition), ReadProblems))]
pub async fn find_volume_edition(request: HttpRequest) -> Result<HttpResponse, Error> {
    find_edition::<Volumes>(request).await
}

/// List the editions of a volume
///
/// The languages a volume was published in, all on one page.
#[utoipa::path(get, path = "/v1/volumes/{volumeId}/editions", tag = "Volumes", operation_id = "listVolumeEditions", params(ListEditions),
    responses((status = 200, description = "The editions.", body = EditionsPage), ReadProblems))]
pub async fn list_volume_editions(request: HttpRequest) -> Result<HttpResponse, Error> {
    list_editions::<Volumes>(request).await
}

/// The path of an edition of a volume.
struct FindEdition;

impl utoipa::IntoParams for FindEdition {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        edition_parameters::<Volumes>(true)
    }
}

/// The path of the editions of a volume.
struct ListEditions;

impl utoipa::IntoParams for ListEditions {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        edition_parameters::<Volumes>(false)
    }
}
