-- The tables of the system that Chortle replaces, as far as an import reads them, with a little of everything. Made
-- for this test. The words in capitals after a dollar sign are put in by it.
CREATE TABLE users (
    id uuid PRIMARY KEY, email text UNIQUE NOT NULL, is_active boolean DEFAULT true, mfa_enabled boolean DEFAULT false,
    timezone text DEFAULT 'UTC', created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE limitless_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    encrypted_api_key text NOT NULL, is_active boolean DEFAULT true, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE audio_segments (
    id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, date date NOT NULL,
    start_time timestamptz NOT NULL, end_time timestamptz NOT NULL, file_path text NOT NULL, processed boolean DEFAULT false,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE laughter_detections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    audio_segment_id uuid NOT NULL REFERENCES audio_segments ON DELETE CASCADE, "timestamp" timestamptz NOT NULL,
    probability decimal(5,4) CHECK (probability BETWEEN 0 AND 1), clip_path text NOT NULL UNIQUE, notes text,
    class_id int, class_name text, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(),
    UNIQUE (user_id, "timestamp", class_id));
CREATE TABLE processing_logs (
    id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, date date NOT NULL,
    status text CHECK (status IN ('pending', 'processing', 'completed', 'failed')), message text, last_processed timestamptz,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), processing_steps jsonb,
    api_calls jsonb DEFAULT '[]', error_details jsonb DEFAULT '{}', trigger_type text DEFAULT 'manual',
    processing_duration_seconds int DEFAULT 0, audio_files_downloaded int DEFAULT 0, laughter_events_found int DEFAULT 0, duplicates_skipped int DEFAULT 0);

INSERT INTO users (id, email, timezone, is_active) VALUES
    ('a11ce000-0000-4000-8000-000000000001', 'Alice.B@example.com', 'America/Los_Angeles', true),
    ('b0b00000-0000-4000-8000-000000000002', 'bob@example.com', 'Mars/Olympus', true),
    ('b0b00000-0000-4000-8000-000000000003', 'bob@example.org', 'Europe/London', false);
INSERT INTO limitless_keys (user_id, encrypted_api_key, is_active, created_at) VALUES
    ('a11ce000-0000-4000-8000-000000000001', 'b2xk', false, '2025-10-01'),
    ('a11ce000-0000-4000-8000-000000000001', '$ALICE_KEY', true, '2025-11-01'),
    ('b0b00000-0000-4000-8000-000000000002', '$MOVED_KEY', true, '2025-11-01');
INSERT INTO audio_segments (id, user_id, date, start_time, end_time, file_path, processed) VALUES
    ('5e600000-0000-4000-8000-000000000001', 'a11ce000-0000-4000-8000-000000000001', '2025-11-05', '2025-11-05 16:00Z', '2025-11-05 16:30Z', '/var/lib/giggles/uploads/audio/a/20251105_160000-20251105_163000.ogg', true),
    ('5e600000-0000-4000-8000-000000000002', 'a11ce000-0000-4000-8000-000000000001', '2025-11-05', '2025-11-05 16:30Z', '2025-11-05 17:00Z', '/var/lib/giggles/uploads/audio/a/20251105_163000-20251105_170000.ogg', true),
    ('5e600000-0000-4000-8000-000000000003', 'a11ce000-0000-4000-8000-000000000001', '2025-11-05', '2025-11-05 17:00Z', '2025-11-05 17:30Z', 'uploads/audio/a/20251105_170000-20251105_173000.ogg', false),
    ('5e600000-0000-4000-8000-000000000004', 'b0b00000-0000-4000-8000-000000000002', '2025-11-05', '2025-11-05 17:00Z', '2025-11-05 17:30Z', 'uploads/audio/b/20251105_170000-20251105_173000.ogg', true);
INSERT INTO laughter_detections (user_id, audio_segment_id, "timestamp", probability, clip_path, notes, class_id, class_name) VALUES
    ('a11ce000-0000-4000-8000-000000000001', '5e600000-0000-4000-8000-000000000001', '2025-11-05 16:10:00.480Z', 0.75, '/var/lib/giggles/uploads/clips/a11ce000-0000-4000-8000-000000000001/one_13.wav', 'the dog again', 13, 'Laughter'),
    ('a11ce000-0000-4000-8000-000000000001', '5e600000-0000-4000-8000-000000000001', '2025-11-05 16:10:00.480Z', 0.5, 'uploads/clips/a11ce000-0000-4000-8000-000000000001/one_15.wav', NULL, 15, 'Giggle'),
    ('a11ce000-0000-4000-8000-000000000001', '5e600000-0000-4000-8000-000000000003', '2025-11-05 17:29:59.9Z', 0.3125, 'clips/flat_18.wav', NULL, 18, 'Chuckle'),
    ('a11ce000-0000-4000-8000-000000000001', '5e600000-0000-4000-8000-000000000003', '2025-11-05 17:05:00Z', 0.9, '../../../secret.wav', NULL, 17, 'Belly laugh'),
    ('b0b00000-0000-4000-8000-000000000002', '5e600000-0000-4000-8000-000000000004', '2025-11-05 17:05:00Z', 0.9, 'clips/gone.wav', NULL, 13, 'Laughter');
INSERT INTO processing_logs (id, user_id, date, status, message, last_processed, api_calls, error_details, trigger_type, processing_duration_seconds, audio_files_downloaded, laughter_events_found, duplicates_skipped) VALUES
    ('10600000-0000-4000-8000-000000000001', 'a11ce000-0000-4000-8000-000000000001', '2025-11-05', 'completed', 'Nightly processing completed', '2025-11-06 09:10Z',
     '[{"status_code": 200, "response_size_bytes": 5000000, "duration_ms": 900}, {"status_code": 404, "response_size_bytes": 0, "error": "no audio"}, {"status_code": null}]',
     '{}', 'cron', 600, 2, 9, 5),
    ('10600000-0000-4000-8000-000000000002', 'a11ce000-0000-4000-8000-000000000001', '2025-11-06', 'failed', 'no key', NULL, '[]',
     '{"no_api_key": {"message": "no key", "timestamp": "x", "stack_trace": "y"}}', 'manual', 0, 0, 0, 0);
