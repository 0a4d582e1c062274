-- One laugh is one laugh only where its sound is the same: two recordings may have laughs that begin in the same
-- millisecond. SQLite drops a constraint by a new table only; see 0004.

-- +goose NO TRANSACTION
-- +goose Up
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE laughs_new (
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
    public_id    TEXT      NOT NULL DEFAULT '',
    day          TEXT      NOT NULL DEFAULT '', -- YYYY-MM-DD in the user's zone, on which it starts
    hour         INTEGER   NOT NULL DEFAULT 0, -- likewise, 0 to 23
    length_ms    INTEGER   NOT NULL DEFAULT 0,
    tier         TEXT      NOT NULL DEFAULT 'sure' CHECK (tier IN ('sure', 'maybe')),
    certainty    REAL      NOT NULL DEFAULT 0 CHECK (certainty BETWEEN 0 AND 1),
    policy_id    INTEGER   REFERENCES policies,
    context      TEXT      NOT NULL DEFAULT '{}', -- JSON: what else was heard
    features     BLOB, -- NULL: none
    CHECK (end_at > start_at)
);
INSERT INTO laughs_new (id, user_id, recording_id, model_id, start_at, end_at, first_sample, end_sample, score, class, class_scores,
        clip, mark, star, note, public_id, day, hour, length_ms, tier, certainty, policy_id, context, features)
    SELECT id, user_id, recording_id, model_id, start_at, end_at, first_sample, end_sample, score, class, class_scores,
        clip, mark, star, note, public_id, day, hour, length_ms, tier, certainty, policy_id, context, features FROM laughs;
DROP TABLE laughs;
ALTER TABLE laughs_new RENAME TO laughs;
CREATE INDEX laughs_end ON laughs (user_id, model_id, end_at);
CREATE INDEX laughs_recording ON laughs (recording_id, model_id);
CREATE INDEX laughs_model ON laughs (model_id);
CREATE INDEX laughs_clip ON laughs (clip);
CREATE UNIQUE INDEX laughs_public ON laughs (public_id);
CREATE INDEX laughs_day ON laughs (user_id, day, hour, class, tier, mark, star);
CREATE INDEX laughs_review ON laughs (user_id, certainty, public_id, tier) WHERE mark = '';
CREATE INDEX laughs_star ON laughs (user_id, start_at) WHERE star;
CREATE INDEX laughs_score ON laughs (user_id, score, public_id);
CREATE INDEX laughs_length ON laughs (user_id, length_ms, public_id);
CREATE INDEX laughs_policy ON laughs (policy_id);

-- What the stretches that may hold laughs sound like: enough to tell the same sound in another recording.
ALTER TABLE scores ADD COLUMN prints BLOB; -- NULL: not known

-- Where else a laugh was heard: in a second device, a copy, another coding. It counts once.
CREATE TABLE laugh_copies (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    public_id    TEXT    NOT NULL, -- of the laugh that counts
    recording_id INTEGER NOT NULL REFERENCES recordings ON DELETE CASCADE,
    model_id     INTEGER NOT NULL REFERENCES models,
    first_sample INTEGER NOT NULL, -- of the other recording
    end_sample   INTEGER NOT NULL,
    score        REAL    NOT NULL,
    later_ms     INTEGER NOT NULL -- by how much its time there is later than the laugh's
);
CREATE INDEX laugh_copies_laugh ON laugh_copies (user_id, public_id);
CREATE INDEX laugh_copies_recording ON laugh_copies (recording_id, model_id);
COMMIT;
PRAGMA foreign_keys = ON;
