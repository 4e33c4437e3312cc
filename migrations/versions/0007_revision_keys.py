"""Requests that published a revision, so that their repetition publishes none."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    """Add the table, empty."""
    op.execute("""
    CREATE TABLE revision_keys (
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        request_digest BYTEA NOT NULL,
        revision INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT revision_keys_pkey PRIMARY KEY (account, key),
        CONSTRAINT revision_keys_revision_fkey FOREIGN KEY(revision) REFERENCES revisions (number)
    );
    """)


def downgrade():
    """Drop it; what was published stays."""
    op.execute("DROP TABLE revision_keys")
