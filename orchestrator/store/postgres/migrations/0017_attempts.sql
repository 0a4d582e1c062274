-- What is being read: a run that something kills leaves its row behind, and the next one counts it.

-- +goose Up
CREATE TABLE attempts (
    user_id      BIGINT NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256       TEXT NOT NULL,
    name         TEXT NOT NULL,
    size         BIGINT NOT NULL,
    modified_at  TIMESTAMPTZ NOT NULL,
    started_at   TIMESTAMPTZ NOT NULL,
    time_source  TEXT NOT NULL,
    uncertain_ns BIGINT NOT NULL,
    run_id       TEXT NOT NULL,
    PRIMARY KEY (user_id, sha256)
);
SELECT chortle_limit('attempts', 'user_id');
