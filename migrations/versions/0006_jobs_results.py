"""Results that are kept, and the queue of jobs that work them out."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    """Add both tables, empty: what is asked for fills them."""
    op.execute("""
    CREATE TABLE results (
        key TEXT NOT NULL,
        kind TEXT NOT NULL,
        question JSONB NOT NULL,
        versions JSONB NOT NULL,
        settings JSONB NOT NULL,
        revision INTEGER NOT NULL,
        computed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        about JSONB NOT NULL,
        body BYTEA NOT NULL,
        size INTEGER NOT NULL,
        uses INTEGER NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT results_pkey PRIMARY KEY (key),
        CONSTRAINT results_revision_fkey FOREIGN KEY(revision) REFERENCES revisions (number)
    );
    CREATE INDEX results_used_at_idx ON results (used_at);

    CREATE TABLE jobs (
        id UUID NOT NULL,
        number BIGINT GENERATED ALWAYS AS IDENTITY,
        kind TEXT NOT NULL,
        payload JSONB NOT NULL,
        key TEXT NOT NULL,
        asked_by TEXT[] NOT NULL,
        priority INTEGER NOT NULL,
        status TEXT NOT NULL,
        progress DOUBLE PRECISION NOT NULL,
        step TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        worker TEXT,
        error TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE,
        heartbeat_at TIMESTAMP WITH TIME ZONE,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT jobs_pkey PRIMARY KEY (id),
        CONSTRAINT jobs_status_check CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled'))
    );
    CREATE INDEX jobs_finished_at_idx ON jobs (finished_at) WHERE finished_at IS NOT NULL;
    CREATE UNIQUE INDEX jobs_key_open_idx ON jobs (key) WHERE status IN ('queued', 'running');
    CREATE INDEX jobs_turn_idx ON jobs (priority, number) WHERE status IN ('queued', 'running');
    """)


def downgrade():
    """Drop both; every result can be worked out again."""
    op.execute("DROP TABLE jobs, results")
