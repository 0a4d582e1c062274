-- What went wrong is stored by a code and facts: what a person can do about it is said by who shows it. Older rows keep
-- the remedy that was written with them.

-- +goose Up
ALTER TABLE run_errors ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE run_errors ADD COLUMN facts TEXT NOT NULL DEFAULT 'null';
