-- What is being read: a run that something kills leaves its row behind, and the next one counts it.

-- +goose Up
CREATE TABLE attempts (
    user_id      INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256       TEXT NOT NULL,
    name         TEXT NOT NULL,
    size         INTEGER NOT NULL,
    modified_at  TIMESTAMP NOT NULL,
    started_at   TIMESTAMP NOT NULL,
    time_source  TEXT NOT NULL,
    uncertain_ns INTEGER NOT NULL,
    run_id       TEXT NOT NULL,
    PRIMARY KEY (user_id, sha256)
);
