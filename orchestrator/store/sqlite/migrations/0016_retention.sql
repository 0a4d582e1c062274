-- For how long sound is kept, what has none any more and why, and which backups were made.

-- +goose Up
ALTER TABLE users ADD COLUMN retention TEXT NOT NULL DEFAULT ''; -- JSON: what is different from the settings; empty: nothing

-- Laughs without sound, by their public ids, which outlive their rows.
CREATE TABLE lost_clips (
    user_id   INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    public_id TEXT      NOT NULL,
    why       TEXT      NOT NULL,
    lost_at   TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, public_id)
);

-- Backups that Chortle made by itself. A backup does not hold them.
CREATE TABLE backups (
    id          INTEGER   PRIMARY KEY AUTOINCREMENT,
    started_at  TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    place       TEXT      NOT NULL, -- without secrets
    name        TEXT      NOT NULL,
    bytes       INTEGER   NOT NULL,
    good        BOOLEAN   NOT NULL, -- it was read back
    error       TEXT      NOT NULL
);
