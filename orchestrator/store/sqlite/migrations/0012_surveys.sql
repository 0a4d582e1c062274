-- What a run sees of a user's source as a whole, and files that have the content of a recording under another name.

-- +goose Up
CREATE TABLE recording_files (
    id           INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    recording_id INTEGER   NOT NULL REFERENCES recordings ON DELETE CASCADE,
    name         TEXT      NOT NULL,
    size         INTEGER   NOT NULL,
    modified_at  TIMESTAMP NOT NULL,
    UNIQUE (user_id, name)
);
CREATE INDEX recording_files_recording ON recording_files (recording_id);

CREATE TABLE surveys (
    user_id INTEGER PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    survey  TEXT    NOT NULL -- JSON
);
