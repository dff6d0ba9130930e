-- Facts about the whole store.
CREATE TABLE store_fact (
    name {key} NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
){clustered};

CREATE TABLE registry (
    account {key} NOT NULL,
    region {key} NOT NULL,
    repositories BIGINT NOT NULL,
    PRIMARY KEY (account, region)
){clustered};

CREATE TABLE registry_setting (
    account {key} NOT NULL,
    region {key} NOT NULL,
    name {key} NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
){clustered};

CREATE TABLE repository (
    account {key} NOT NULL,
    region {key} NOT NULL,
    name {key} NOT NULL,
    id {key} NOT NULL,
    created_at BIGINT NOT NULL,
    mutability TEXT NOT NULL,
    mutability_filters TEXT NOT NULL,
    scan_on_push BIGINT NOT NULL,
    encryption TEXT NOT NULL,
    key_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    latest_was_set BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
){clustered};
CREATE UNIQUE INDEX repository_by_id ON repository (id);

CREATE TABLE resource_tag (
    repository_id {key} NOT NULL,
    tag_key {key} NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (repository_id, tag_key)
){clustered};

CREATE TABLE image (
    repository_id {key} NOT NULL,
    digest {bytes} NOT NULL,
    id {key} NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    artifact_media_type TEXT,
    manifest_size BIGINT NOT NULL,
    size BIGINT NOT NULL,
    pushed_at BIGINT NOT NULL,
    last_pulled_at BIGINT,
    subject {bytes},
    is_tagged BIGINT NOT NULL,
    tag_count BIGINT NOT NULL,
    latest_sequence BIGINT,
    PRIMARY KEY (repository_id, digest)
){clustered};
CREATE UNIQUE INDEX image_by_id ON image (id);
CREATE INDEX image_untagged ON image (repository_id, digest) WHERE is_tagged = 0;
CREATE INDEX image_by_subject ON image (repository_id, subject, digest) WHERE subject IS NOT NULL;
CREATE INDEX image_by_sequence ON image (repository_id, latest_sequence) WHERE latest_sequence IS NOT NULL;

-- Apart from the image row, which lists read.
CREATE TABLE manifest (
    repository_id {key} NOT NULL,
    digest {bytes} NOT NULL,
    wrapped_key {bytes} NOT NULL,
    sealed {bytes} NOT NULL,
    PRIMARY KEY (repository_id, digest)
);

CREATE TABLE tag (
    repository_id {key} NOT NULL,
    name {key} NOT NULL,
    digest {bytes} NOT NULL,
    moved_at BIGINT NOT NULL,
    PRIMARY KEY (repository_id, name)
){clustered};
CREATE INDEX tag_by_digest ON tag (repository_id, digest, name);

-- Keyed by the image's id: a reference counts only while an image row has that id.
CREATE TABLE image_reference (
    image_id {key} NOT NULL,
    target {bytes} NOT NULL,
    kind {key} NOT NULL,
    repository_id {key} NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (image_id, target, kind)
){clustered};
CREATE INDEX image_reference_by_target ON image_reference (repository_id, target, kind, image_id);

CREATE TABLE layer (
    repository_id {key} NOT NULL,
    digest {bytes} NOT NULL,
    object_id {key} NOT NULL,
    size BIGINT NOT NULL,
    wrapped_key {bytes} NOT NULL,
    idle_since BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
){clustered};
CREATE INDEX layer_by_object ON layer (object_id);

CREATE TABLE object (
    id {key} NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    segments TEXT NOT NULL,
    tail {bytes} NOT NULL,
    domain {key} NOT NULL,
    sha256 {bytes} NOT NULL
);
CREATE INDEX object_by_content ON object (domain, sha256);

CREATE TABLE doomed_object (
    id {key} NOT NULL PRIMARY KEY,
    last_segment BIGINT NOT NULL
){clustered};

CREATE TABLE upload (
    id {key} NOT NULL PRIMARY KEY,
    repository_id {key} NOT NULL,
    object_id {key} NOT NULL,
    wrapped_key {bytes} NOT NULL,
    sha512 BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    received BIGINT NOT NULL,
    segments TEXT,
    sealed_state {bytes},
    parts BIGINT NOT NULL,
    first_short_part BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX upload_by_object ON upload (object_id);
CREATE INDEX upload_by_repository ON upload (repository_id, id);
CREATE INDEX upload_by_expiry ON upload (expires_at, id);

CREATE TABLE kms_key (
    id {key} NOT NULL PRIMARY KEY,
    account {key} NOT NULL,
    region {key} NOT NULL,
    origin {key} NOT NULL,
    enabled BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
){clustered};
CREATE UNIQUE INDEX kms_key_of_origin ON kms_key (account, region, origin) WHERE origin <> 'CUSTOMER';

CREATE TABLE kms_key_version (
    key_id {key} NOT NULL,
    version BIGINT NOT NULL,
    sealed_material {bytes} NOT NULL,
    PRIMARY KEY (key_id, version)
){clustered};

CREATE TABLE server_key (
    id {key} NOT NULL PRIMARY KEY,
    sealed {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    retires_at BIGINT
){clustered};
CREATE INDEX server_key_by_age ON server_key (created_at, id);
CREATE INDEX server_key_by_end ON server_key (retires_at, id) WHERE retires_at IS NOT NULL;

CREATE TABLE access_key (
    id {key} NOT NULL PRIMARY KEY,
    account {key} NOT NULL,
    principal_arn {key} NOT NULL,
    principal_unique_id TEXT NOT NULL,
    sealed_secret {bytes} NOT NULL,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL
){clustered};
CREATE INDEX access_key_by_principal ON access_key (principal_arn, id);

CREATE TABLE job (
    id {key} NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    repository_id {key} NOT NULL,
    subject TEXT NOT NULL,
    run_at BIGINT NOT NULL
){clustered};
CREATE INDEX job_by_time ON job (run_at, id);
