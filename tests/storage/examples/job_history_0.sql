CREATE TABLE job_history (
    id TEXT PRIMARY KEY,
    stl_path TEXT NOT NULL,
    stl_filename TEXT NOT NULL,
    stl_size INTEGER NOT NULL,
    output_folder TEXT NOT NULL,
    render_options TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    error_message TEXT
);
CREATE INDEX idx_stl_path ON job_history(stl_path);
INSERT INTO job_history VALUES (
    'job_001', '/models/gear.stl', 'gear.stl', 684, '/out/gear', '{"material": "metal"}', 'completed',
    '2024-01-15T10:30:15Z', '2024-01-15T10:30:20Z', '2024-01-15T10:32:45Z', NULL
);
