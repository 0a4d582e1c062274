-- +goose Up
ALTER TABLE users ADD COLUMN keep_originals BOOLEAN NOT NULL DEFAULT FALSE;

-- What the sources of users need and nobody may read: encrypted, each with the id of the key that did it.
CREATE TABLE secrets (
    user_id BIGINT NOT NULL REFERENCES users ON DELETE CASCADE,
    field   TEXT   NOT NULL,
    sealed  TEXT   NOT NULL,
    PRIMARY KEY (user_id, field)
);
