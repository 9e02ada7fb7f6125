CREATE TABLE job_history (
    id TEXT PRIMARY KEY,
    stl_path TEXT NOT NULL,
    stl_filename TEXT NOT NULL,
    stl_size INTEGER NOT NULL,
    stl_checksum TEXT NOT NULL,
    output_folder TEXT NOT NULL,
    queue_session_id TEXT NOT NULL,

    -- Job configuration
    render_options TEXT NOT NULL, -- JSON
    validation_options TEXT NOT NULL, -- JSON

    -- Execution details
    state TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    estimated_duration REAL,
    actual_duration REAL,

    -- Results
    validation_passed BOOLEAN,
    files_generated TEXT, -- JSON array
    error_message TEXT,
    warnings TEXT, -- JSON array

    -- Metadata
    app_version TEXT NOT NULL,
    created_by TEXT NOT NULL DEFAULT 'gui'
);
CREATE INDEX idx_stl_path ON job_history(stl_path);
CREATE INDEX idx_stl_checksum ON job_history(stl_checksum);
CREATE INDEX idx_created_at ON job_history(created_at);
CREATE INDEX idx_state ON job_history(state);
INSERT INTO job_history VALUES (
    'job_002', '/models/gear.stl', 'gear.stl', 684,
    '5a1d4f0a3b6c8e2f7d9b0c1e2a3f4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c', '/out/gear', 'session_20260110T080000_0a1b2c3d',
    '{"material": "metal", "quality": "high"}', '{"level": "standard"}', 'completed',
    '2026-01-10T08:30:15.000000Z', '2026-01-10T08:30:20.000000Z', '2026-01-10T08:32:45.000000Z', 140.0, 145.3,
    1, '["/out/gear/renders/gear_render.png"]', NULL, '["2 open edges"]', '0.1.0', 'cli'
);
CREATE TABLE job_facts (
    job_id TEXT PRIMARY KEY,
    faces INTEGER,
    stage_durations TEXT, -- JSON, seconds by stage
    peak_memory_bytes INTEGER,
    output_bytes INTEGER,
    output_settings TEXT, -- JSON
    errors TEXT, -- JSON array
    attempts INTEGER,
    concurrency INTEGER,
    options_hash TEXT,
    geometry_hash TEXT,
    geometry_size_mm REAL,
    reused_files INTEGER NOT NULL DEFAULT 0,
    saved_s REAL NOT NULL DEFAULT 0
);
CREATE INDEX idx_geometry_hash ON job_facts(geometry_hash);
CREATE TABLE outputs (
    path BLOB PRIMARY KEY, -- as the system has it, which may be no UTF-8
    key TEXT, -- of what it is made of
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    checksum TEXT NOT NULL, -- SHA-256
    made_in_s REAL NOT NULL,
    job_id TEXT NOT NULL
);
CREATE INDEX idx_output_key ON outputs(key);
CREATE TABLE finished_work (
    work_key TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    results TEXT NOT NULL, -- JSON
    duration_s REAL NOT NULL
);
CREATE TABLE sources (
    path BLOB PRIMARY KEY,
    identity TEXT NOT NULL, -- size, times and inode it had when it was read
    checksum TEXT NOT NULL
);
INSERT INTO job_facts VALUES (
    'job_002', 684, '{"intake": 0.1, "rendering": 145.2}', 71180288, 7105, '{}', '[]', 1, 1, 'd41d8cd9', 'a3f4b5c6', 40.0,
    0, 0.0
);
PRAGMA user_version = 2;
