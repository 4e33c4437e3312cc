"""Layers with their versions, incidents with their assignments, accounts."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    """Create every table; PostGIS and btree_gist (for the exclusion constraints) come first."""
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("""
    CREATE TABLE accounts (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        display_name TEXT NOT NULL,
        role TEXT NOT NULL,
        areas TEXT[] NOT NULL,
        password_hash TEXT NOT NULL,
        active BOOLEAN NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT accounts_pkey PRIMARY KEY (id),
        CONSTRAINT accounts_name_key UNIQUE (name)
    );

    CREATE TABLE deployment (
        id INTEGER NOT NULL,
        metric_crs TEXT NOT NULL,
        tolerance_m DOUBLE PRECISION NOT NULL,
        city TEXT NOT NULL,
        invented BOOLEAN NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT deployment_pkey PRIMARY KEY (id),
        CONSTRAINT deployment_single_check CHECK (id = 1)
    );

    CREATE TABLE incidents (
        id UUID NOT NULL,
        number BIGINT GENERATED ALWAYS AS IDENTITY,
        category TEXT NOT NULL,
        description TEXT,
        address TEXT,
        source TEXT,
        reporter_name TEXT,
        reporter_phone TEXT,
        reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        status TEXT NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        deadline TIMESTAMP WITH TIME ZONE,
        given_x DOUBLE PRECISION,
        given_y DOUBLE PRECISION,
        given_datum TEXT,
        geom geometry(POINT,4326),
        rule TEXT NOT NULL,
        area_code TEXT COLLATE "C",
        path TEXT[] COLLATE "C" NOT NULL,
        candidates TEXT[] NOT NULL,
        distance_m DOUBLE PRECISION,
        margin_m DOUBLE PRECISION,
        revision INTEGER NOT NULL,
        queue_reason TEXT,
        external_id TEXT,
        CONSTRAINT incidents_pkey PRIMARY KEY (id),
        CONSTRAINT incidents_number_key UNIQUE (number)
    );
    CREATE INDEX incidents_geom_idx ON incidents USING gist (geom);
    CREATE INDEX incidents_open_idx ON incidents (number) WHERE status <> 'closed';
    CREATE INDEX incidents_path_idx ON incidents USING gin (path);
    CREATE INDEX incidents_reported_at_idx ON incidents (reported_at, number);

    CREATE TABLE revisions (
        number INTEGER NOT NULL,
        published_at TIMESTAMP WITH TIME ZONE NOT NULL,
        effective_from TIMESTAMP WITH TIME ZONE NOT NULL,
        author TEXT NOT NULL,
        note TEXT NOT NULL,
        layers TEXT[] NOT NULL,
        counts JSONB NOT NULL,
        CONSTRAINT revisions_pkey PRIMARY KEY (number)
    );

    CREATE TABLE assignments (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        incident_id UUID NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_by TEXT NOT NULL,
        revision INTEGER NOT NULL,
        rule TEXT NOT NULL,
        area_code TEXT COLLATE "C",
        path TEXT[] COLLATE "C" NOT NULL,
        candidates TEXT[] NOT NULL,
        distance_m DOUBLE PRECISION,
        margin_m DOUBLE PRECISION,
        reason TEXT,
        CONSTRAINT assignments_pkey PRIMARY KEY (id),
        CONSTRAINT assignments_incident_id_fkey FOREIGN KEY(incident_id) REFERENCES incidents (id)
    );
    CREATE INDEX assignments_incident_idx ON assignments (incident_id, id);

    CREATE TABLE browser_sessions (
        digest BYTEA NOT NULL,
        account_id UUID NOT NULL,
        csrf TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT browser_sessions_pkey PRIMARY KEY (digest),
        CONSTRAINT browser_sessions_account_id_fkey FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
    );

    CREATE TABLE communities (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        parent_code TEXT COLLATE "C",
        people INTEGER,
        households INTEGER,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        geom geometry(MULTIPOLYGON,4326) NOT NULL,
        CONSTRAINT communities_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT communities_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT communities_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT communities_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX communities_code_current_idx ON communities (code) WHERE rev_to IS NULL;
    CREATE INDEX communities_ended_idx ON communities (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX communities_geom_current_idx ON communities USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE compound_grids (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        compound_id UUID NOT NULL,
        compound_code TEXT COLLATE "C" NOT NULL,
        grid_code TEXT COLLATE "C" NOT NULL,
        scheme TEXT NOT NULL,
        share DOUBLE PRECISION NOT NULL,
        CONSTRAINT compound_grids_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT compound_grids_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT compound_grids_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT compound_grids_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );

    CREATE TABLE compounds (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        form TEXT,
        households INTEGER,
        people INTEGER,
        built_year INTEGER,
        address TEXT,
        geom geometry(GEOMETRY,4326) NOT NULL,
        entrances geometry(MULTIPOINT,4326),
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT compounds_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT compounds_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT compounds_geometry_type_check CHECK (GeometryType(geom) IN ('MULTIPOLYGON', 'POINT')),
        CONSTRAINT compounds_form_check CHECK (form IN ('managed', 'unmanaged', 'self_built')),
        CONSTRAINT compounds_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT compounds_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX compounds_code_current_idx ON compounds (code) WHERE rev_to IS NULL;
    CREATE INDEX compounds_ended_idx ON compounds (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX compounds_geom_current_idx ON compounds USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE defects (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        layer TEXT NOT NULL,
        revision INTEGER NOT NULL,
        kind TEXT NOT NULL,
        codes TEXT[] NOT NULL,
        message TEXT NOT NULL,
        size DOUBLE PRECISION,
        unit TEXT,
        geom geometry(GEOMETRY,4326),
        CONSTRAINT defects_pkey PRIMARY KEY (id),
        CONSTRAINT defects_revision_fkey FOREIGN KEY(revision) REFERENCES revisions (number)
    );
    CREATE INDEX defects_layer_revision_idx ON defects (layer, revision);

    CREATE TABLE districts (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        parent_code TEXT COLLATE "C",
        people INTEGER,
        households INTEGER,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        geom geometry(MULTIPOLYGON,4326) NOT NULL,
        CONSTRAINT districts_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT districts_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT districts_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT districts_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX districts_code_current_idx ON districts (code) WHERE rev_to IS NULL;
    CREATE INDEX districts_ended_idx ON districts (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX districts_geom_current_idx ON districts USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE facilities (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        address TEXT,
        capacity INTEGER,
        geom geometry(POINT,4326) NOT NULL,
        site geometry(MULTIPOLYGON,4326),
        entrances geometry(MULTIPOINT,4326),
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT facilities_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT facilities_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT facilities_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT facilities_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX facilities_code_current_idx ON facilities (code) WHERE rev_to IS NULL;
    CREATE INDEX facilities_ended_idx ON facilities (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX facilities_geom_current_idx ON facilities USING gist (geom) WHERE rev_to IS NULL;
    CREATE INDEX facilities_type_current_idx ON facilities (type, id) WHERE rev_to IS NULL;

    CREATE TABLE grids (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        parent_code TEXT COLLATE "C",
        people INTEGER,
        households INTEGER,
        scheme TEXT DEFAULT 'governance' NOT NULL,
        kind TEXT DEFAULT 'base' NOT NULL,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        geom geometry(MULTIPOLYGON,4326) NOT NULL,
        CONSTRAINT grids_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT grids_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT grids_kind_check CHECK (kind IN ('base', 'dedicated')),
        CONSTRAINT grids_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT grids_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX grids_code_current_idx ON grids (code) WHERE rev_to IS NULL;
    CREATE INDEX grids_ended_idx ON grids (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX grids_geom_current_idx ON grids USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE idempotency_keys (
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        request_digest BYTEA NOT NULL,
        incident_id UUID NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account, key),
        CONSTRAINT idempotency_keys_incident_id_fkey FOREIGN KEY(incident_id) REFERENCES incidents (id)
    );

    CREATE TABLE old_estate_compounds (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        old_estate_code TEXT COLLATE "C" NOT NULL,
        compound_code TEXT COLLATE "C" NOT NULL,
        share DOUBLE PRECISION NOT NULL,
        CONSTRAINT old_estate_compounds_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT old_estate_compounds_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT old_estate_compounds_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT old_estate_compounds_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );

    CREATE TABLE old_estates (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        built_year INTEGER,
        works TEXT,
        department TEXT,
        households INTEGER,
        people INTEGER,
        geom geometry(MULTIPOLYGON,4326) NOT NULL,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT old_estates_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT old_estates_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT old_estates_works_check CHECK (works IN ('basic', 'improved', 'upgraded')),
        CONSTRAINT old_estates_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT old_estates_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX old_estates_code_current_idx ON old_estates (code) WHERE rev_to IS NULL;
    CREATE INDEX old_estates_ended_idx ON old_estates (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX old_estates_geom_current_idx ON old_estates USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE posts (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        role TEXT NOT NULL,
        name TEXT NOT NULL,
        phone TEXT,
        target_layer TEXT NOT NULL,
        target_code TEXT COLLATE "C" NOT NULL,
        valid_from DATE,
        valid_to DATE,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT posts_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT posts_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT posts_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT posts_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX posts_code_current_idx ON posts (code) WHERE rev_to IS NULL;
    CREATE INDEX posts_ended_idx ON posts (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX posts_target_current_idx ON posts (target_layer, target_code) WHERE rev_to IS NULL;

    CREATE TABLE streets (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT,
        kind TEXT NOT NULL,
        bridge BOOLEAN NOT NULL,
        tunnel BOOLEAN NOT NULL,
        level INTEGER NOT NULL,
        steps BOOLEAN NOT NULL,
        walkable BOOLEAN NOT NULL,
        geom geometry(LINESTRING,4326) NOT NULL,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        CONSTRAINT streets_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT streets_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT streets_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT streets_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX streets_code_current_idx ON streets (code) WHERE rev_to IS NULL;
    CREATE INDEX streets_ended_idx ON streets (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX streets_geom_current_idx ON streets USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE subdistricts (
        id UUID NOT NULL,
        rev_from INTEGER NOT NULL,
        rev_to INTEGER,
        code TEXT COLLATE "C" NOT NULL,
        name TEXT NOT NULL,
        parent_code TEXT COLLATE "C",
        people INTEGER,
        households INTEGER,
        generated_code BOOLEAN DEFAULT false NOT NULL,
        extra JSONB DEFAULT '{}'::jsonb NOT NULL,
        geom geometry(MULTIPOLYGON,4326) NOT NULL,
        CONSTRAINT subdistricts_pkey PRIMARY KEY (id, rev_from),
        CONSTRAINT subdistricts_one_version_excl EXCLUDE USING gist (id WITH =, int4range(rev_from, rev_to) WITH &&),
        CONSTRAINT subdistricts_rev_from_fkey FOREIGN KEY(rev_from) REFERENCES revisions (number),
        CONSTRAINT subdistricts_rev_to_fkey FOREIGN KEY(rev_to) REFERENCES revisions (number)
    );
    CREATE UNIQUE INDEX subdistricts_code_current_idx ON subdistricts (code) WHERE rev_to IS NULL;
    CREATE INDEX subdistricts_ended_idx ON subdistricts (rev_to) WHERE rev_to IS NOT NULL;
    CREATE INDEX subdistricts_geom_current_idx ON subdistricts USING gist (geom) WHERE rev_to IS NULL;

    CREATE TABLE tokens (
        digest BYTEA NOT NULL,
        account_id UUID NOT NULL,
        label TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT tokens_pkey PRIMARY KEY (digest),
        CONSTRAINT tokens_account_id_fkey FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
    );
    """)


def downgrade():
    """Drop every table; the extensions stay, others may use them."""
    op.execute("""
    DROP TABLE tokens, subdistricts, streets, posts, old_estates, old_estate_compounds, idempotency_keys, grids, facilities, districts, defects, compounds, compound_grids, communities, browser_sessions, assignments, revisions, incidents, deployment, accounts
    """)
