-- +goose Up
ALTER TABLE run_users ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0; -- of those that were skipped
