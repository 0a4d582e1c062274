-- A model is known by its version too: laughs of two versions stand side by side, also where a model
-- has no weights to tell them apart.

-- +goose Up
ALTER TABLE models ADD COLUMN version TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE models SET version = COALESCE((SELECT model_version FROM run_users WHERE model_id = models.id ORDER BY id DESC LIMIT 1), '');
ALTER TABLE models ALTER COLUMN version DROP DEFAULT;
ALTER TABLE models DROP CONSTRAINT models_name_sha256_key;
ALTER TABLE models ADD CONSTRAINT models_name_version_sha256_key UNIQUE (name, version, sha256);
