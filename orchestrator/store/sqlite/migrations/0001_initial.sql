-- Instants are whole microseconds since 1970 in UTC; the type name TIMESTAMP makes the driver read
-- them as times. A person reads one with datetime(start_at / 1000000, 'unixepoch').
-- Positions are samples at 16 kHz.

-- +goose Up
CREATE TABLE users (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT    NOT NULL UNIQUE,
    timezone  TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    priority  INTEGER NOT NULL,
    threshold REAL    NOT NULL CHECK (threshold BETWEEN 0 AND 1),
    inferd    TEXT    NOT NULL,
    enabled   BOOLEAN NOT NULL
);

CREATE TABLE models (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT    NOT NULL,
    sha256   TEXT    NOT NULL,
    laughter TEXT    NOT NULL, -- JSON: the labels of its laughter classes, in order
    UNIQUE (name, sha256)
);

CREATE TABLE runs (
    id          TEXT      PRIMARY KEY,
    trigger_by  TEXT      NOT NULL,
    started_at  TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    status      TEXT      NOT NULL,
    exit_code   INTEGER   NOT NULL,
    error       TEXT      NOT NULL
);
CREATE INDEX runs_started ON runs (started_at);

CREATE TABLE recordings (
    id           INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256       TEXT      NOT NULL,
    name         TEXT      NOT NULL,
    size         INTEGER   NOT NULL,
    modified_at  TIMESTAMP NOT NULL,
    started_at   TIMESTAMP NOT NULL,
    time_source  TEXT      NOT NULL,
    uncertain_ns INTEGER   NOT NULL, -- by how much a moment may lie later than its position says
    samples      INTEGER   NOT NULL, -- length; 0 until it was read
    status       TEXT      NOT NULL CHECK (status IN ('done', 'failed')),
    attempts     INTEGER   NOT NULL, -- that failed since it was last done
    error        TEXT      NOT NULL, -- of the last attempt
    run_id       TEXT      REFERENCES runs ON DELETE SET NULL, -- that touched it last
    UNIQUE (user_id, sha256)
);
CREATE INDEX recordings_file ON recordings (user_id, size, modified_at);
CREATE INDEX recordings_start ON recordings (user_id, started_at);
CREATE INDEX recordings_run ON recordings (run_id);

CREATE TABLE scores (
    recording_id INTEGER NOT NULL REFERENCES recordings ON DELETE CASCADE,
    model_id     INTEGER NOT NULL REFERENCES models,
    classes      TEXT    NOT NULL, -- JSON: the labels of a frame's scores, in order
    frame_window INTEGER NOT NULL,
    frame_hop    INTEGER NOT NULL,
    samples      INTEGER NOT NULL,
    data         BLOB    NOT NULL, -- zlib: a byte a class, frame after frame
    PRIMARY KEY (recording_id, model_id)
);
CREATE INDEX scores_model ON scores (model_id);

CREATE TABLE laughs (
    id           INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    recording_id INTEGER   NOT NULL REFERENCES recordings ON DELETE CASCADE,
    model_id     INTEGER   NOT NULL REFERENCES models,
    start_at     TIMESTAMP NOT NULL, -- whole milliseconds
    end_at       TIMESTAMP NOT NULL,
    first_sample INTEGER   NOT NULL, -- of the recording
    end_sample   INTEGER   NOT NULL,
    score        REAL      NOT NULL CHECK (score BETWEEN 0 AND 1),
    class        TEXT      NOT NULL,
    class_scores TEXT      NOT NULL, -- JSON: the best score of each class
    clip         TEXT      NOT NULL, -- key; empty where there is none
    mark         TEXT      NOT NULL CHECK (mark IN ('', 'right', 'wrong')),
    star         BOOLEAN   NOT NULL,
    note         TEXT      NOT NULL,
    CHECK (end_at > start_at),
    UNIQUE (user_id, start_at, class, model_id)
);
CREATE INDEX laughs_start ON laughs (start_at, id);
CREATE INDEX laughs_end ON laughs (user_id, model_id, end_at);
CREATE INDEX laughs_recording ON laughs (recording_id, model_id);
CREATE INDEX laughs_model ON laughs (model_id);
CREATE INDEX laughs_clip ON laughs (clip);

CREATE TABLE run_users (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id          TEXT    NOT NULL REFERENCES runs ON DELETE CASCADE,
    user_id         INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    date            TEXT    NOT NULL, -- YYYY-MM-DD in the user's zone
    timezone        TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    found           INTEGER NOT NULL,
    processed       INTEGER NOT NULL,
    skipped         INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    left_behind     INTEGER NOT NULL,
    audio_samples   INTEGER NOT NULL,
    took_ns         INTEGER NOT NULL,
    laughs          INTEGER NOT NULL,
    duplicates      INTEGER NOT NULL,
    calls           INTEGER NOT NULL, -- to the source
    calls_failed    INTEGER NOT NULL,
    calls_retried   INTEGER NOT NULL,
    calls_bytes     INTEGER NOT NULL,
    calls_by_status TEXT    NOT NULL, -- JSON: number of answers by HTTP status
    model_id        INTEGER REFERENCES models,
    model_version   TEXT    NOT NULL,
    model_plugin    TEXT    NOT NULL,
    model_window    INTEGER NOT NULL,
    model_hop       INTEGER NOT NULL,
    model_pid       INTEGER NOT NULL,
    model_gone      BOOLEAN NOT NULL,
    out_of_memory   BOOLEAN NOT NULL,
    memory_before   INTEGER NOT NULL, -- bytes, as are the next three
    memory_peak     INTEGER NOT NULL,
    memory_after    INTEGER NOT NULL,
    memory_model    INTEGER NOT NULL,
    UNIQUE (run_id, user_id, date)
);
CREATE INDEX run_users_user ON run_users (user_id, date);
CREATE INDEX run_users_model ON run_users (model_id);

CREATE TABLE run_errors (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run_user_id INTEGER NOT NULL REFERENCES run_users ON DELETE CASCADE,
    stage       TEXT    NOT NULL,
    recording   TEXT    NOT NULL,
    message     TEXT    NOT NULL
);
CREATE INDEX run_errors_day ON run_errors (run_user_id);

CREATE TABLE run_spans (
    id          INTEGER   PRIMARY KEY AUTOINCREMENT,
    run_user_id INTEGER   NOT NULL REFERENCES run_users ON DELETE CASCADE,
    start_at    TIMESTAMP NOT NULL,
    end_at      TIMESTAMP NOT NULL,
    state       TEXT      NOT NULL,
    reason      TEXT      NOT NULL,
    attempts    INTEGER   NOT NULL,
    tried_at    TIMESTAMP NOT NULL
);
CREATE INDEX run_spans_day ON run_spans (run_user_id);

-- What became of a user's time, where a source is asked for it span by span. The spans of a user do
-- not overlap.
CREATE TABLE ledger (
    id       INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id  INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    start_at TIMESTAMP NOT NULL,
    end_at   TIMESTAMP NOT NULL,
    state    TEXT      NOT NULL CHECK (state IN ('read', 'empty', 'failed')),
    reason   TEXT      NOT NULL,
    attempts INTEGER   NOT NULL, -- in as many runs
    tried_at TIMESTAMP NOT NULL, -- the last of them
    run_id   TEXT      REFERENCES runs ON DELETE SET NULL, -- likewise
    CHECK (end_at > start_at),
    UNIQUE (user_id, start_at)
);
CREATE INDEX ledger_end ON ledger (user_id, end_at);
CREATE INDEX ledger_run ON ledger (run_id);
