//! The schema of both databases, written once. `tests/house.rs` holds it against what the migrations make.

diesel::table! {
    catalogue_revision (id) {
        id -> Integer,
        revision -> BigInt,
        moved_at -> Timestamp,
        faces -> Nullable<Text>,
    }
}

diesel::table! {
    record (key) {
        key -> BigInt,
        kind -> Text,
        id -> Text,
        state -> Text,
        listed -> Bool,
        rank -> BigInt,
        version -> BigInt,
        note -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        languages -> Integer,
        year -> Nullable<Integer>,
        publish_at -> Nullable<Timestamp>,
        withdraw_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    list_total (kind, languages) {
        kind -> Text,
        languages -> Integer,
        total -> BigInt,
    }
}

diesel::table! {
    renamed_id (kind, old_id) {
        kind -> Text,
        old_id -> Text,
        record_key -> BigInt,
    }
}

diesel::table! {
    fact_source (record_key, fact) {
        record_key -> BigInt,
        fact -> Text,
        source -> Text,
    }
}

diesel::table! {
    record_text (record_key, language) {
        record_key -> BigInt,
        language -> Text,
        state -> Text,
        title -> Text,
        full_title -> Nullable<Text>,
        subtitle -> Nullable<Text>,
        summary -> Nullable<Text>,
        announcement -> Nullable<Text>,
        role -> Nullable<Text>,
        title_sort -> Text,
        folded -> Text,
        updated_at -> Timestamp,
        kind -> Text,
        languages -> Integer,
        listed -> Bool,
        publish_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    collection (record_key) {
        record_key -> BigInt,
        updated_on -> Nullable<Text>,
        page_url -> Nullable<Text>,
    }
}

diesel::table! {
    language (record_key) {
        record_key -> BigInt,
        native_name -> Text,
    }
}

diesel::table! {
    theme (record_key) {
        record_key -> BigInt,
        concept_uri -> Nullable<Text>,
    }
}

diesel::table! {
    supporter (record_key) {
        record_key -> BigInt,
        role -> Text,
        url -> Nullable<Text>,
        from_on -> Nullable<Text>,
        until_on -> Nullable<Text>,
    }
}

diesel::table! {
    work (record_key) {
        record_key -> BigInt,
        kind -> Text,
        number -> Nullable<Integer>,
        year -> Nullable<Integer>,
        published_on -> Nullable<Text>,
        expected_on -> Nullable<Text>,
        source_language -> Nullable<Text>,
        page_url -> Nullable<Text>,
    }
}

diesel::table! {
    work_theme (work_key, theme_key) {
        work_key -> BigInt,
        theme_key -> BigInt,
        position -> Integer,
    }
}

diesel::table! {
    work_contributor (work_key, position) {
        work_key -> BigInt,
        position -> Integer,
        name -> Text,
        role -> Text,
        organization -> Nullable<Text>,
    }
}

diesel::table! {
    complement_volume (complement_key, volume_key) {
        complement_key -> BigInt,
        volume_key -> BigInt,
        position -> Integer,
    }
}

diesel::table! {
    edition (key) {
        key -> BigInt,
        work_key -> BigInt,
        language -> Text,
        title -> Nullable<Text>,
        published_on -> Nullable<Text>,
        pages -> Nullable<Integer>,
        pages_source -> Nullable<Text>,
        isbn -> Nullable<Text>,
        doi -> Nullable<Text>,
        handle -> Nullable<Text>,
        external_url -> Nullable<Text>,
        access -> Text,
        cover -> Nullable<Text>,
    }
}

diesel::table! {
    stored_image (sha256) {
        sha256 -> Text,
        bytes -> BigInt,
        media_type -> Text,
        width -> Integer,
        height -> Integer,
        created_at -> Timestamp,
    }
}

diesel::table! {
    image_size (image_sha256, width) {
        image_sha256 -> Text,
        width -> Integer,
        height -> Integer,
        sha256 -> Text,
        bytes -> BigInt,
        media_type -> Text,
    }
}

diesel::table! {
    stored_file (sha256) {
        sha256 -> Text,
        bytes -> BigInt,
        media_type -> Text,
        pages -> Integer,
        created_at -> Timestamp,
    }
}

diesel::table! {
    edition_file (key) {
        key -> BigInt,
        edition_key -> BigInt,
        sha256 -> Text,
        file_name -> Text,
        attached_at -> Timestamp,
        detached_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    block (key) {
        key -> BigInt,
        record_key -> BigInt,
        parent_key -> Nullable<BigInt>,
        position -> Integer,
        kind -> Text,
        number -> Nullable<Integer>,
        page -> Nullable<Integer>,
    }
}

diesel::table! {
    block_text (block_key, language) {
        block_key -> BigInt,
        language -> Text,
        title -> Nullable<Text>,
        summary -> Nullable<Text>,
    }
}

diesel::table! {
    figure (key) {
        key -> BigInt,
        record_key -> BigInt,
        id -> Text,
        position -> Integer,
        value -> Text,
        unit -> Text,
        qualifier -> Nullable<Text>,
        scope -> Nullable<Text>,
        measured_on -> Nullable<Text>,
        quoted_from -> Nullable<Text>,
    }
}

diesel::table! {
    figure_text (figure_key, language) {
        figure_key -> BigInt,
        language -> Text,
        title -> Text,
        summary -> Nullable<Text>,
    }
}

diesel::table! {
    event (record_key) {
        record_key -> BigInt,
        kind -> Text,
        status -> Text,
        starts_on -> Text,
        ends_on -> Nullable<Text>,
        first_day -> Text,
        last_day -> Text,
        start_time -> Nullable<Text>,
        end_time -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        attendance -> Nullable<Text>,
        online_url -> Nullable<Text>,
        page_url -> Nullable<Text>,
    }
}

// The rest of the columns of `event`: in two, because Diesel with tables of more than 16 columns takes twice as long to build.
diesel::table! {
    #[sql_name = "event"]
    event_place (record_key) {
        record_key -> BigInt,
        venue -> Nullable<Text>,
        address -> Nullable<Text>,
        postal_code -> Nullable<Text>,
        city -> Nullable<Text>,
        country -> Nullable<Text>,
    }
}

diesel::table! {
    event_language (event_key, language) {
        event_key -> BigInt,
        language -> Text,
        position -> Integer,
    }
}

diesel::table! {
    event_work (event_key, work_key) {
        event_key -> BigInt,
        work_key -> BigInt,
        position -> Integer,
    }
}

diesel::table! {
    event_participant (event_key, position) {
        event_key -> BigInt,
        position -> Integer,
        name -> Text,
        organization -> Nullable<Text>,
        role -> Text,
    }
}

diesel::table! {
    testimony (record_key) {
        record_key -> BigInt,
        person -> Text,
        organization -> Text,
    }
}

diesel::table! {
    testimony_work (testimony_key, work_key) {
        testimony_key -> BigInt,
        work_key -> BigInt,
        position -> Integer,
    }
}

diesel::table! {
    consent_text (version) {
        version -> Text,
        purpose -> Text,
        valid_from -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    consent_text_body (version, language) {
        version -> Text,
        language -> Text,
        title -> Text,
        body -> Text,
    }
}

diesel::table! {
    download_request (key) {
        key -> BigInt,
        id -> Text,
        state -> Text,
        language -> Text,
        privacy_notice -> Text,
        purpose -> Nullable<Text>,
        organization_type -> Nullable<Text>,
        municipality -> Nullable<Text>,
        country -> Nullable<Text>,
        repeat_hash -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    requester (request_key) {
        request_key -> BigInt,
        identity -> Text,
        email_hash -> Nullable<Text>,
    }
}

diesel::table! {
    download_item (key) {
        key -> BigInt,
        request_key -> BigInt,
        edition_key -> BigInt,
        position -> Integer,
        state -> Text,
        fulfilled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    consent (request_key, version) {
        request_key -> BigInt,
        version -> Text,
        given -> Bool,
        stated_at -> Timestamp,
        withdrawn_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    idempotency (key_hash) {
        key_hash -> Text,
        body_hash -> Text,
        request_key -> BigInt,
        status -> Integer,
        answer -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    record_version (key) {
        key -> BigInt,
        record_key -> BigInt,
        kind -> Text,
        id -> Text,
        revision -> BigInt,
        version -> BigInt,
        action -> Text,
        author -> Text,
        at -> Timestamp,
        document -> Nullable<Text>,
        kept -> Nullable<Text>,
    }
}

diesel::table! {
    public_face (record_key, language) {
        record_key -> BigInt,
        language -> Text,
        kind -> Text,
        id -> Text,
        etag -> Text,
    }
}

diesel::table! {
    public_change (sequence) {
        sequence -> BigInt,
        revision -> BigInt,
        at -> Timestamp,
        change -> Text,
        kind -> Text,
        record_key -> BigInt,
        id -> Text,
        previous_id -> Nullable<Text>,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    audit_entry (key) {
        key -> BigInt,
        at -> Timestamp,
        author -> Text,
        action -> Text,
        kind -> Text,
        subject -> Text,
        revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    access_key (key) {
        key -> BigInt,
        id -> Text,
        name -> Text,
        hash -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        created_by -> Text,
        expires_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        owner -> Nullable<Text>,
    }
}

diesel::table! {
    tombstone (kind, id) {
        kind -> Text,
        id -> Text,
        deleted_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    catalogue_revision,
    record,
    list_total,
    renamed_id,
    fact_source,
    record_text,
    collection,
    language,
    theme,
    supporter,
    work,
    work_theme,
    work_contributor,
    complement_volume,
    edition,
    stored_file,
    edition_file,
    block,
    block_text,
    figure,
    figure_text,
    event,
    event_language,
    event_work,
    event_participant,
    testimony,
    testimony_work,
    consent_text,
    consent_text_body,
    download_request,
    requester,
    download_item,
    consent,
    idempotency,
    record_version,
    public_face,
    public_change,
    audit_entry,
    access_key,
    tombstone,
);
