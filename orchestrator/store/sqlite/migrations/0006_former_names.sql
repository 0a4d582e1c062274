-- Names that users had before they were called otherwise: a purge takes them out of files, too.

-- +goose Up
CREATE TABLE former_names (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    PRIMARY KEY (user_id, name)
);
