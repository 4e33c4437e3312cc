"""Buildings and addresses."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    """Add both layers, empty; nothing that is stored changes."""
    op.execute("""
    CREATE TABLE buildings (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        number TEXT,
        compound_code TEXT COLLATE "C",
        households INTEGER,
        people INTEGER,
        floors INTEGER,
        built_year INTEGER,
        address TEXT,
        geom geometry(GEOMETRY,4326) NOT NULL,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT buildings_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT buildings_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT buildings_geometry_type_check CHECK (GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')),
        CONSTRAINT buildings_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT buildings_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX buildings_code_current_idx ON buildings (code) WHERE rev_to IS NULL;
    CREATE INDEX buildings_ended_idx ON buildings (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX buildings_geom_current_idx ON buildings USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE addresses (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        text TEXT NOT NULL,
        street TEXT,
        number TEXT,
        unit TEXT,
        compound_code TEXT COLLATE "C",
        building_code TEXT COLLATE "C",
        geom geometry(POINT,4326) NOT NULL,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT addresses_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT addresses_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT addresses_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT addresses_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX addresses_code_current_idx ON addresses (code) WHERE rev_to IS NULL;
    CREATE INDEX addresses_ended_idx ON addresses (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX addresses_geom_current_idx ON addresses USING gist (geom) WHERE rev_to IS NULL;
    """)


def downgrade():
    """Drop both layers, with the posts of buildings and the defects found in either."""
    op.execute("""
    DELETE FROM posts WHERE target_layer = 'buildings';
    DELETE FROM defects WHERE layer IN ('buildings', 'addresses');
    DROP TABLE addresses, buildings;
    """)
