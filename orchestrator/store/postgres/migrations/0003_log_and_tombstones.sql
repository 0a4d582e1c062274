-- +goose Up
ALTER TABLE run_users ADD COLUMN spans_served BIGINT NOT NULL DEFAULT 0; -- by the source, with a recording
ALTER TABLE run_users ADD COLUMN stages JSON NOT NULL DEFAULT '{}'; -- nanoseconds by stage
ALTER TABLE run_errors ADD COLUMN remedy TEXT NOT NULL DEFAULT '';

-- What tells one account from another of the same name, such as one that was purged and made anew.
ALTER TABLE users ADD COLUMN uid TEXT NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '');

-- Accounts that were purged, without anything of them: no backup brings them back.
CREATE TABLE tombstones (
    uid       TEXT        PRIMARY KEY,
    purged_at TIMESTAMPTZ NOT NULL
);
-- +goose StatementBegin
CREATE FUNCTION chortle_bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tombstones (uid, purged_at) VALUES (OLD.uid, now()) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_purged AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION chortle_bury();
