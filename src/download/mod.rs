//! What we accept: download requests, and the links that answer them. The only place in the house with personal data: it is encrypted where it is
//! stored ([`seal`]), never quoted in a problem, never logged, and goes with the request when the request is erased.

pub mod form;
pub mod link;
pub mod offer;
pub mod request;
pub mod seal;
pub mod shelf;
