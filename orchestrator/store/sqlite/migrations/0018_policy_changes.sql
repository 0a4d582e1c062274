-- What was changed of a person's policy, so that it can be shown and undone.

-- +goose Up
CREATE TABLE policy_changes (
    id               INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id          INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    changed_at       TIMESTAMP NOT NULL,
    threshold        REAL NOT NULL, -- 0: that of the settings
    policy           TEXT NOT NULL, -- JSON: what is different from everybody's
    before_threshold REAL NOT NULL,
    before_policy    TEXT NOT NULL,
    note             TEXT NOT NULL, -- what it was made of
    undone           BOOLEAN NOT NULL
);
CREATE INDEX policy_changes_user ON policy_changes (user_id, id);
