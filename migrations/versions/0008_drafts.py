"""Drafts of layers, their steps and notes."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LAYERS = (
    "districts",
    "subdistricts",
    "communities",
    "grids",
    "compounds",
    "buildings",
    "addresses",
    "old_estates",
    "facilities",
    "streets",
    "barriers",
    "posts",
)


def upgrade():
    """Add the tables, empty: of drafts, and beside each layer one for its features in drafts."""
    op.execute("""
    CREATE TABLE drafts (
        id UUID NOT NULL,
        title TEXT NOT NULL,
        note TEXT NOT NULL,
        author TEXT NOT NULL,
        base_revision INTEGER NOT NULL,
        status TEXT NOT NULL,
        step INTEGER NOT NULL,
        last_step INTEGER NOT NULL,
        floor_step INTEGER NOT NULL,
        version INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        submitted_by TEXT,
        submitted_at TIMESTAMP WITH TIME ZONE,
        reviewed_by TEXT,
        reviewed_at TIMESTAMP WITH TIME ZONE,
        review TEXT,
        publish_at TIMESTAMP WITH TIME ZONE,
        refusal JSONB,
        revision INTEGER,
        CONSTRAINT drafts_pkey PRIMARY KEY (id),
        CONSTRAINT drafts_status_check CHECK
            (status IN ('open', 'submitted', 'approved', 'scheduled', 'published', 'discarded')),
        CONSTRAINT drafts_publish_at_check CHECK ((status = 'scheduled') = (publish_at IS NOT NULL)),
        CONSTRAINT drafts_revision_check CHECK ((status = 'published') = (revision IS NOT NULL)),
        CONSTRAINT drafts_step_check CHECK (floor_step <= step AND step <= last_step),
        CONSTRAINT drafts_base_revision_fkey FOREIGN KEY(base_revision) REFERENCES revisions (number),
        CONSTRAINT drafts_revision_fkey FOREIGN KEY(revision) REFERENCES revisions (number)
    );
    CREATE INDEX drafts_updated_at_idx ON drafts (updated_at);

    CREATE TABLE draft_steps (
        draft_id UUID NOT NULL,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        said JSONB NOT NULL,
        author TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        note TEXT NOT NULL,
        counts JSONB NOT NULL,
        CONSTRAINT draft_steps_pkey PRIMARY KEY (draft_id, number),
        CONSTRAINT draft_steps_draft_id_fkey FOREIGN KEY(draft_id) REFERENCES drafts (id) ON DELETE CASCADE
    );

    CREATE TABLE draft_notes (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        draft_id UUID NOT NULL,
        author TEXT NOT NULL,
        written_at TIMESTAMP WITH TIME ZONE NOT NULL,
        text TEXT NOT NULL,
        geom geometry(POINT,4326),
        CONSTRAINT draft_notes_pkey PRIMARY KEY (id),
        CONSTRAINT draft_notes_draft_id_fkey FOREIGN KEY(draft_id) REFERENCES drafts (id) ON DELETE CASCADE
    );
    CREATE INDEX draft_notes_draft_id_idx ON draft_notes (draft_id);

    CREATE TABLE draft_keys (
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        request_digest BYTEA NOT NULL,
        draft_id UUID NOT NULL,
        reply JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT draft_keys_pkey PRIMARY KEY (account, key),
        CONSTRAINT draft_keys_draft_id_fkey FOREIGN KEY(draft_id) REFERENCES drafts (id) ON DELETE CASCADE
    );
    """)
    for layer in _LAYERS:
        name, columns = f"draft_{layer}", _columns(layer)
        op.execute(f"""
        CREATE TABLE {name} (
            draft_id UUID NOT NULL,
            id UUID NOT NULL,
            step_from INTEGER NOT NULL,
            step_to INTEGER,
            gone BOOLEAN DEFAULT false NOT NULL,
            {", ".join(columns.values())},
            CONSTRAINT {name}_pkey PRIMARY KEY (draft_id, id, step_from),
            CONSTRAINT {name}_draft_id_fkey FOREIGN KEY(draft_id) REFERENCES drafts (id) ON DELETE CASCADE
        )
        """)
        if "geom" in columns:
            op.execute(f"CREATE INDEX {name}_geom_idx ON {name} USING gist (geom)")


def _columns(layer):
    """Columns of a layer's table as it is now, by name, each of them nullable."""
    rows = op.get_bind().execute(
        text("""
        SELECT attname, format_type(atttypid, atttypmod), collname
        FROM pg_attribute LEFT JOIN pg_collation ON pg_collation.oid = attcollation AND collname <> 'default'
        WHERE attrelid = CAST(:layer AS regclass) AND attnum > 0 AND NOT attisdropped
            AND attname NOT IN ('id', 'rev_from', 'rev_to')
        ORDER BY attnum
        """),
        {"layer": layer},
    )
    return {
        name: f'"{name}" {kind}' + (f' COLLATE "{collation}"' if collation else "")
        for name, kind, collation in rows
    }


def downgrade():
    """Drop them, with every draft."""
    for layer in _LAYERS:
        op.execute(f"DROP TABLE draft_{layer}")
    op.execute("DROP TABLE draft_keys, draft_notes, draft_steps, drafts")
