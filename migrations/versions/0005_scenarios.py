"""Scenarios, barriers, and how much slower steps are."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    """Add scenarios and the layer of barriers, empty; steps stay as slow as they were."""
    op.execute("""
    ALTER TABLE deployment ADD COLUMN steps_factor DOUBLE PRECISION DEFAULT 2 NOT NULL;
    ALTER TABLE deployment ADD CONSTRAINT deployment_steps_factor_check CHECK (steps_factor BETWEEN 1 AND 20);

    CREATE TABLE barriers (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT,
        kind TEXT NOT NULL,
        geom geometry(GEOMETRY,4326) NOT NULL,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT barriers_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT barriers_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT barriers_geometry_type_check CHECK (GeometryType(geom) IN ('POINT', 'LINESTRING')),
        CONSTRAINT barriers_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT barriers_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX barriers_code_current_idx ON barriers (code) WHERE rev_to IS NULL;
    CREATE INDEX barriers_ended_idx ON barriers (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX barriers_geom_current_idx ON barriers USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE scenarios (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        note TEXT NOT NULL,
        base_revision INTEGER,
        changes JSONB NOT NULL,
        version INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_by TEXT NOT NULL,
        CONSTRAINT scenarios_pkey PRIMARY KEY (id),
        CONSTRAINT scenarios_name_key UNIQUE (name),
        CONSTRAINT scenarios_base_revision_fkey FOREIGN KEY(base_revision) REFERENCES revisions (number)
    );
    """)


def downgrade():
    """Drop scenarios and barriers, with the defects found in these; steps are as slow as they are by default."""
    op.execute("""
    DELETE FROM defects WHERE layer = 'barriers';
    DROP TABLE scenarios, barriers;
    ALTER TABLE deployment DROP COLUMN steps_factor;
    """)
