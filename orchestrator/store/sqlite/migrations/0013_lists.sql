-- The indexes by which pages list and count laughs, on the table as it is now.

-- +goose Up
DROP INDEX IF EXISTS laughs_start;
DROP INDEX IF EXISTS laughs_end;
DROP INDEX IF EXISTS laughs_day;
DROP INDEX IF EXISTS laughs_hour;
DROP INDEX IF EXISTS laughs_review;
DROP INDEX IF EXISTS laughs_star;
DROP INDEX IF EXISTS laughs_model_start;
CREATE INDEX laughs_list ON laughs (user_id, start_at, public_id);
CREATE INDEX laughs_star ON laughs (user_id, start_at, public_id) WHERE star;
CREATE INDEX laughs_model_start ON laughs (user_id, model_id, start_at);
CREATE INDEX laughs_day ON laughs (user_id, day, tier, mark, star);
CREATE INDEX laughs_hour ON laughs (user_id, class, tier, hour, day, mark) WHERE mark <> 'wrong';
CREATE INDEX laughs_review ON laughs (user_id, tier, certainty, public_id) WHERE mark = '';
