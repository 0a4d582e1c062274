-- Who may open the page. Secrets (sessions, links, tokens) are kept as their SHA-256 only, in hexadecimal.

-- +goose Up
CREATE TABLE accounts (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    name       TEXT      NOT NULL UNIQUE,
    role       TEXT      NOT NULL CHECK (role IN ('admin', 'member', 'listener')),
    every_user BOOLEAN   NOT NULL, -- sees all users, also those that are added later
    password   TEXT      NOT NULL, -- hash as a PHC string; empty: none
    handle     TEXT      NOT NULL UNIQUE, -- random: how passkeys name the account
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE account_users (
    account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id    INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX account_users_user ON account_users (user_id);

CREATE TABLE sessions (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    secret     TEXT      NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL,
    seen_at    TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    agent      TEXT      NOT NULL,
    network    TEXT      NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id, seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Links that let somebody in once, to choose how to sign in. A link that was used is deleted.
CREATE TABLE invitations (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER   NOT NULL UNIQUE REFERENCES accounts ON DELETE CASCADE,
    secret     TEXT      NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL
);

CREATE TABLE passkeys (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    credential TEXT      NOT NULL UNIQUE, -- its id, base64url
    name       TEXT      NOT NULL,
    data       TEXT      NOT NULL, -- JSON: public key, counter, flags
    created_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP
);
CREATE INDEX passkeys_account ON passkeys (account_id);

-- Accounts at other services. An address of e-mail is not an identity: it can change hands.
CREATE TABLE identities (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    issuer     TEXT      NOT NULL,
    subject    TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX identities_account ON identities (account_id);

CREATE TABLE shares (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER   NOT NULL REFERENCES users ON DELETE CASCADE,
    account_id INTEGER   REFERENCES accounts ON DELETE SET NULL, -- who shared it
    secret     TEXT      NOT NULL UNIQUE,
    title      TEXT      NOT NULL,
    password   TEXT      NOT NULL, -- hash; empty: none
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP, -- NULL: never
    visits     INTEGER   NOT NULL,
    visited_at TIMESTAMP
);
CREATE INDEX shares_user ON shares (user_id, id);
CREATE INDEX shares_account ON shares (account_id);

-- Laughs by their public ids, which outlive their rows.
CREATE TABLE share_laughs (
    share_id INTEGER NOT NULL REFERENCES shares ON DELETE CASCADE,
    position INTEGER NOT NULL,
    laugh    TEXT    NOT NULL,
    PRIMARY KEY (share_id, position)
);

CREATE TABLE api_tokens (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER   NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id    INTEGER   REFERENCES users ON DELETE CASCADE, -- NULL: all users that the account sees
    secret     TEXT      NOT NULL UNIQUE,
    name       TEXT      NOT NULL,
    scopes     TEXT      NOT NULL, -- read, write, upload; with spaces between
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP, -- NULL: never
    used_at    TIMESTAMP
);
CREATE INDEX api_tokens_account ON api_tokens (account_id);
CREATE INDEX api_tokens_user ON api_tokens (user_id);
