"""Names that find places."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    """Add the table of names, empty: `wangge db migrate` fills it from the layers that are there."""
    op.execute("""
    CREATE TABLE place_names (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        layer TEXT NOT NULL,
        feature UUID NOT NULL,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        spelling TEXT NOT NULL,
        pieces TEXT[],
        part_of TEXT COLLATE "C",
        number TEXT,
        lon DOUBLE PRECISION NOT NULL,
        lat DOUBLE PRECISION NOT NULL,
        radius_m DOUBLE PRECISION NOT NULL,
        CONSTRAINT place_names_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT place_names_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT place_names_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE INDEX place_names_pieces_current_idx ON place_names USING gin (pieces) WHERE rev_to IS NULL;
    CREATE INDEX place_names_code_current_idx ON place_names (code) WHERE rev_to IS NULL;
    CREATE INDEX place_names_part_of_current_idx ON place_names (part_of, number) WHERE rev_to IS NULL;
    CREATE INDEX place_names_feature_current_idx ON place_names (feature) WHERE rev_to IS NULL;
    CREATE INDEX place_names_ended_idx ON place_names (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX streets_name_current_idx ON streets (name) WHERE rev_to IS NULL;
    """)


def downgrade():
    """Drop the names; the layers they come from stay."""
    op.execute("DROP INDEX streets_name_current_idx; DROP TABLE place_names")
