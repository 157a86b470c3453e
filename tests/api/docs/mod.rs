//! `/openapi.json`, `/openapi.yaml` and `/docs`

mod find;
