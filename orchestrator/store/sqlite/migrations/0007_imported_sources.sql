-- Users who were imported from giggles-cli had an address without its colon, which only runs understood, and were
-- read before everybody else.

-- +goose Up
UPDATE users SET source = 'limitless:', priority = CASE priority WHEN 0 THEN 100 ELSE priority END WHERE source = 'limitless';
