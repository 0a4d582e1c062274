-- Which purges have not cleared yet what deleted rows leave in the database's files: the next run does.

-- +goose Up
ALTER TABLE tombstones ADD COLUMN to_clear BOOLEAN NOT NULL DEFAULT FALSE;
