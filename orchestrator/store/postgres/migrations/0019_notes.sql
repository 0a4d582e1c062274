-- What there is to say of a recording that was read: JSON; empty where there is nothing.

-- +goose Up
ALTER TABLE recordings ADD COLUMN notes TEXT NOT NULL DEFAULT '';
