-- What a person does with laughs: a public id, the local day and hour, how sure it is, and what is forgotten.
-- The ids, days and hours of the rows that are there are filled by the program: SQL knows no time zones here.

-- +goose Up
ALTER TABLE users ADD COLUMN policy TEXT NOT NULL DEFAULT ''; -- JSON: what is different from the default; empty: nothing

-- Policies under which laughs were found.
CREATE TABLE policies (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    digest  TEXT    NOT NULL UNIQUE, -- SHA-256 of body
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT    NOT NULL -- JSON
);

ALTER TABLE scores ADD COLUMN policy_id INTEGER REFERENCES policies; -- under which its laughs were found last; NULL: not known
ALTER TABLE scores ADD COLUMN features BLOB; -- of the candidates, for second thoughts; NULL: none

ALTER TABLE laughs ADD COLUMN public_id TEXT NOT NULL DEFAULT '';
ALTER TABLE laughs ADD COLUMN day TEXT NOT NULL DEFAULT ''; -- YYYY-MM-DD in the user's zone, on which it starts
ALTER TABLE laughs ADD COLUMN hour INTEGER NOT NULL DEFAULT 0; -- likewise, 0 to 23
ALTER TABLE laughs ADD COLUMN length_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE laughs ADD COLUMN tier TEXT NOT NULL DEFAULT 'sure' CHECK (tier IN ('sure', 'maybe'));
ALTER TABLE laughs ADD COLUMN certainty REAL NOT NULL DEFAULT 0 CHECK (certainty BETWEEN 0 AND 1);
ALTER TABLE laughs ADD COLUMN policy_id INTEGER REFERENCES policies;
ALTER TABLE laughs ADD COLUMN context TEXT NOT NULL DEFAULT '{}'; -- JSON: what else was heard
ALTER TABLE laughs ADD COLUMN features BLOB; -- NULL: none
UPDATE laughs SET public_id = '~' || id; -- until the program fills it
CREATE UNIQUE INDEX laughs_public ON laughs (public_id);
CREATE INDEX laughs_day ON laughs (user_id, day, tier, mark, star);
CREATE INDEX laughs_hour ON laughs (user_id, class, tier, hour, day, mark) WHERE mark <> 'wrong';
CREATE INDEX laughs_review ON laughs (user_id, tier, certainty, public_id) WHERE mark = '';
CREATE INDEX laughs_star ON laughs (user_id, start_at) WHERE star;
CREATE INDEX laughs_score ON laughs (user_id, score, public_id);
CREATE INDEX laughs_length ON laughs (user_id, length_ms, public_id);
CREATE INDEX laughs_policy ON laughs (policy_id);
CREATE INDEX scores_policy ON scores (policy_id);
CREATE INDEX laughs_model_start ON laughs (user_id, model_id, start_at);
DROP INDEX laughs_end;
DROP INDEX laughs_start; -- lists are read user by user

-- Where a person forgot a laugh: nothing is found there again, whatever the model or policy.
CREATE TABLE forgotten (
    id           INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    recording_id INTEGER   REFERENCES recordings ON DELETE SET NULL,
    public_id    TEXT      NOT NULL UNIQUE, -- no other laugh gets it
    start_at     TIMESTAMP NOT NULL,
    end_at       TIMESTAMP NOT NULL,
    first_sample INTEGER   NOT NULL,
    end_sample   INTEGER   NOT NULL,
    forgotten_at TIMESTAMP NOT NULL
);
CREATE INDEX forgotten_user ON forgotten (user_id, end_at);
CREATE INDEX forgotten_recording ON forgotten (recording_id);
