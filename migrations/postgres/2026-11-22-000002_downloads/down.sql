DROP TABLE idempotency;
DROP TABLE consent;
DROP TABLE download_item;
DROP TABLE requester;
DROP TABLE download_request;
DROP TABLE consent_text_body;
DROP TABLE consent_text;
