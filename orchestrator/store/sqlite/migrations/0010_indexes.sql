-- So that how one user stands is found without reading all that is stored, and a window's recording by its name.

-- +goose Up
CREATE INDEX runs_finished ON runs (finished_at);
CREATE INDEX ledger_failed ON ledger (user_id, start_at) WHERE state = 'failed';
CREATE INDEX recordings_failed ON recordings (user_id, started_at) WHERE status = 'failed';
CREATE INDEX recordings_name ON recordings (user_id, name);
