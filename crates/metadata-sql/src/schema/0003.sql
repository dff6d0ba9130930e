-- What IAM and Organizations keep. What an entity is beyond its name stands in its document.

CREATE TABLE entity (
    account {key} NOT NULL,
    kind {key} NOT NULL,
    entity_key {key} NOT NULL,
    id {key} NOT NULL,
    path {key} NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, kind, entity_key)
);
CREATE UNIQUE INDEX entity_by_id ON entity (id);
CREATE INDEX entity_by_path ON entity (account, kind, path, entity_key);

CREATE TABLE entity_count (
    account {key} NOT NULL,
    kind {key} NOT NULL,
    entities BIGINT NOT NULL,
    PRIMARY KEY (account, kind)
){clustered};

CREATE TABLE entity_document (
    entity_id {key} NOT NULL,
    kind {key} NOT NULL,
    name {key} NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (entity_id, kind, name)
);

CREATE TABLE entity_link (
    source {key} NOT NULL,
    kind {key} NOT NULL,
    target {key} NOT NULL,
    PRIMARY KEY (source, kind, target)
){clustered};
CREATE INDEX entity_link_by_target ON entity_link (target, kind, source);

CREATE TABLE entity_link_count (
    target {key} NOT NULL,
    kind {key} NOT NULL,
    links BIGINT NOT NULL,
    PRIMARY KEY (target, kind)
){clustered};

-- Raised by every change to identities of an account: what was read of them holds while it stands.
CREATE TABLE identity_version (
    account {key} NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
){clustered};

CREATE TABLE access_key_use (
    id {key} NOT NULL PRIMARY KEY,
    used_at BIGINT NOT NULL,
    service TEXT NOT NULL,
    region TEXT NOT NULL
){clustered};

-- Tags and policies of sessions whose tokens are too short to carry them, by hash.
CREATE TABLE session_context (
    hash {key} NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_context_by_end ON session_context (expires_at, hash);

CREATE TABLE repository_policy (
    repository_id {key} NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);
