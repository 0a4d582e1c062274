-- +goose Up
ALTER TABLE run_users ADD COLUMN spans_served INTEGER NOT NULL DEFAULT 0; -- by the source, with a recording
ALTER TABLE run_users ADD COLUMN stages TEXT NOT NULL DEFAULT '{}'; -- JSON: nanoseconds by stage
ALTER TABLE run_errors ADD COLUMN remedy TEXT NOT NULL DEFAULT '';

-- What tells one account from another of the same name, such as one that was purged and made anew.
ALTER TABLE users ADD COLUMN uid TEXT NOT NULL DEFAULT '';
UPDATE users SET uid = lower(hex(randomblob(16)));
-- +goose StatementBegin
CREATE TRIGGER users_uid AFTER INSERT ON users WHEN NEW.uid = '' BEGIN
    UPDATE users SET uid = lower(hex(randomblob(16))) WHERE id = NEW.id;
END;
-- +goose StatementEnd

-- Accounts that were purged, without anything of them: no backup brings them back.
CREATE TABLE tombstones (
    uid       TEXT      PRIMARY KEY,
    purged_at TIMESTAMP NOT NULL
);
-- +goose StatementBegin
CREATE TRIGGER users_purged AFTER DELETE ON users BEGIN
    INSERT INTO tombstones (uid, purged_at) VALUES (OLD.uid, CAST(strftime('%s', 'now') AS INTEGER) * 1000000) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
