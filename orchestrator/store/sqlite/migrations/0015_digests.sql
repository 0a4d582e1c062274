-- Who gets a digest of whose laughs, which digests were sent, and whom a home's broker knows. Where an address holds a secret, it
-- is sealed in secrets under "digest_" and the beginning of the token.

-- +goose Up
CREATE TABLE subscriptions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind       TEXT NOT NULL, -- mail, ntfy or message
    address    TEXT NOT NULL, -- without secrets
    period     TEXT NOT NULL, -- daily or weekly
    weekday    INTEGER NOT NULL, -- 0: Sunday
    quiet_from INTEGER NOT NULL, -- minutes since midnight
    quiet_to   INTEGER NOT NULL,
    token      TEXT NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX subscriptions_user ON subscriptions (user_id, id);

CREATE TABLE digests (
    subscription_id INTEGER NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    period_end      TEXT NOT NULL, -- last local day
    state           TEXT NOT NULL, -- begun, sent, nothing or failed
    attempts        INTEGER NOT NULL,
    cause           TEXT NOT NULL,
    sent_at         TIMESTAMP NOT NULL,
    PRIMARY KEY (subscription_id, period_end)
);

CREATE TABLE devices (
    device INTEGER PRIMARY KEY -- the id of a user, who may be gone: the broker is to forget the device then
);
