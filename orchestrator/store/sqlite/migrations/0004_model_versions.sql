-- A model is known by its version too: laughs of two versions stand side by side, also where a model
-- has no weights to tell them apart. SQLite changes a constraint by a new table only, and drops one
-- that others refer to only while it does not look at that, outside a transaction.

-- +goose NO TRANSACTION
-- +goose Up
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE models_new (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT    NOT NULL,
    version  TEXT    NOT NULL,
    sha256   TEXT    NOT NULL,
    laughter TEXT    NOT NULL, -- JSON: the labels of its laughter classes, in order
    UNIQUE (name, version, sha256)
);
INSERT INTO models_new (id, name, version, sha256, laughter)
    SELECT id, name, COALESCE((SELECT model_version FROM run_users WHERE model_id = models.id ORDER BY id DESC LIMIT 1), ''), sha256, laughter
    FROM models;
DROP TABLE models;
ALTER TABLE models_new RENAME TO models;
COMMIT;
PRAGMA foreign_keys = ON;
