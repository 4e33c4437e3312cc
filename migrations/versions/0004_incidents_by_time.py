"""Incidents and their assignments, partitioned by time.

Everything stored is carried over. Where several incidents have one external id, which was possible before, the
first to arrive keeps it; the others get ``#2``, ``#3`` … behind it, and their own id where that is taken, so that
nothing is lost.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INCIDENT_COLUMNS = """
        id, number, category, description, address, source, reporter_name, reporter_phone, reported_at, created_at,
        created_by, status, closed_at, deadline, given_x, given_y, given_datum, geom, rule, area_code, path,
        candidates, distance_m, margin_m, revision, queue_reason"""
_ASSIGNMENT_COLUMNS = """
        id, incident_id, decided_at, decided_by, revision, rule, area_code, path, candidates, distance_m, margin_m,
        reason"""
_INCIDENT_DEFINITIONS = """
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
        queue_reason TEXT"""
_ASSIGNMENT_DEFINITIONS = """
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
        reason TEXT"""
# The new tables take the names of the old ones, of their sequences and of their indexes.
_SET_ASIDE = """
    ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_incident_id_fkey;
    ALTER TABLE assignments RENAME TO old_assignments;
    ALTER TABLE incidents RENAME TO old_incidents;
    ALTER SEQUENCE assignments_id_seq RENAME TO old_assignments_id_seq;
    ALTER SEQUENCE incidents_number_seq RENAME TO old_incidents_number_seq;
    ALTER TABLE old_assignments DROP CONSTRAINT assignments_pkey, DROP CONSTRAINT assignments_incident_id_fkey;
    DROP INDEX assignments_incident_idx;
"""
_COUNT_ON = """
    SELECT setval('incidents_number_seq', max(number)) FROM incidents;
    SELECT setval('assignments_id_seq', max(id)) FROM assignments;
    DROP TABLE old_assignments, old_incidents;
"""


def upgrade():
    """Copy what there is into partitions of a quarter of a year each."""
    op.execute(_SET_ASIDE)
    op.execute(f"""
    ALTER TABLE old_incidents DROP CONSTRAINT incidents_pkey, DROP CONSTRAINT incidents_number_key;
    DROP INDEX incidents_geom_idx, incidents_open_idx, incidents_path_idx, incidents_reported_at_idx;

    CREATE TABLE incident_keys (
        id UUID NOT NULL,
        reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        external_id TEXT COLLATE "C",
        CONSTRAINT incident_keys_pkey PRIMARY KEY (id),
        CONSTRAINT incident_keys_external_id_key UNIQUE (external_id)
    );
    CREATE TABLE incidents ({_INCIDENT_DEFINITIONS},
        CONSTRAINT incidents_pkey PRIMARY KEY (id, reported_at),
        CONSTRAINT incidents_id_fkey FOREIGN KEY(id) REFERENCES incident_keys (id)
    ) PARTITION BY RANGE (reported_at);
    CREATE INDEX incidents_area_code_idx ON incidents (area_code, reported_at, number);
    CREATE INDEX incidents_category_idx ON incidents (category, reported_at, number);
    CREATE INDEX incidents_geom_idx ON incidents USING gist (geom);
    CREATE INDEX incidents_open_idx ON incidents (reported_at, number) WHERE status <> 'closed';
    CREATE INDEX incidents_path_idx ON incidents USING gin (path) WITH (fastupdate = false);
    CREATE INDEX incidents_reported_at_idx ON incidents (reported_at, number);
    CREATE INDEX incidents_rule_idx ON incidents (rule, reported_at, number) WHERE rule <> 'inside';
    CREATE TABLE assignments ({_ASSIGNMENT_DEFINITIONS},
        CONSTRAINT assignments_pkey PRIMARY KEY (id, decided_at),
        CONSTRAINT assignments_incident_id_fkey FOREIGN KEY(incident_id) REFERENCES incident_keys (id)
    ) PARTITION BY RANGE (decided_at);
    CREATE INDEX assignments_incident_idx ON assignments (incident_id, id);
    """)
    for table, column in (("incidents", "reported_at"), ("assignments", "decided_at")):
        op.execute(_partitions(table, column))
    op.execute(f"""
    INSERT INTO incident_keys (id, reported_at, external_id)
    SELECT id, reported_at, external_id || CASE
        WHEN n = 1 THEN ''
        WHEN external_id || '#' || n IN (SELECT external_id FROM old_incidents) THEN '#' || n || '#' || id
        ELSE '#' || n END
    FROM (SELECT *, row_number() OVER (PARTITION BY external_id ORDER BY number) AS n FROM old_incidents) AS counted;
    INSERT INTO incidents ({_INCIDENT_COLUMNS}) OVERRIDING SYSTEM VALUE SELECT {_INCIDENT_COLUMNS} FROM old_incidents;
    INSERT INTO assignments ({_ASSIGNMENT_COLUMNS}) OVERRIDING SYSTEM VALUE
    SELECT {_ASSIGNMENT_COLUMNS} FROM old_assignments;
    {_COUNT_ON}
    ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_incident_id_fkey
        FOREIGN KEY(incident_id) REFERENCES incident_keys (id);
    """)  # noqa: S608 - all parts are constants


def _partitions(table, column):
    """Make the partitions that the stored rows need; names and bounds as in layers/incidents/partitions.py."""
    return f"""
    DO $$
    DECLARE
        first timestamptz;
    BEGIN
        FOR first IN
            SELECT DISTINCT date_trunc('quarter', {column}, 'UTC') FROM old_{table} WHERE {column} >= '2010-01-01Z'
        LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)',
                '{table}_' || to_char(first AT TIME ZONE 'UTC', 'YYYY"q"Q'), first,
                (first AT TIME ZONE 'UTC' + interval '3 months') AT TIME ZONE 'UTC');
        END LOOP;
        IF EXISTS (SELECT FROM old_{table} WHERE {column} < '2010-01-01Z') THEN
            CREATE TABLE {table}_earlier PARTITION OF {table} FOR VALUES FROM (MINVALUE) TO ('2010-01-01Z');
        END IF;
    END $$
    """  # noqa: S608 - both parts are constants


def downgrade():
    """Copy everything back into one table each."""
    op.execute(_SET_ASIDE)
    op.execute(f"""
    ALTER TABLE old_incidents DROP CONSTRAINT incidents_pkey;
    DROP INDEX incidents_area_code_idx, incidents_category_idx, incidents_geom_idx, incidents_open_idx,
        incidents_path_idx, incidents_reported_at_idx, incidents_rule_idx;

    CREATE TABLE incidents ({_INCIDENT_DEFINITIONS},
        external_id TEXT,
        CONSTRAINT incidents_pkey PRIMARY KEY (id),
        CONSTRAINT incidents_number_key UNIQUE (number)
    );
    CREATE INDEX incidents_geom_idx ON incidents USING gist (geom);
    CREATE INDEX incidents_open_idx ON incidents (number) WHERE status <> 'closed';
    CREATE INDEX incidents_path_idx ON incidents USING gin (path);
    CREATE INDEX incidents_reported_at_idx ON incidents (reported_at, number);
    CREATE TABLE assignments ({_ASSIGNMENT_DEFINITIONS},
        CONSTRAINT assignments_pkey PRIMARY KEY (id),
        CONSTRAINT assignments_incident_id_fkey FOREIGN KEY(incident_id) REFERENCES incidents (id)
    );
    CREATE INDEX assignments_incident_idx ON assignments (incident_id, id);

    INSERT INTO incidents ({_INCIDENT_COLUMNS}, external_id) OVERRIDING SYSTEM VALUE
    SELECT old.*, external_id FROM (SELECT {_INCIDENT_COLUMNS} FROM old_incidents) AS old JOIN incident_keys USING (id);
    INSERT INTO assignments ({_ASSIGNMENT_COLUMNS}) OVERRIDING SYSTEM VALUE
    SELECT {_ASSIGNMENT_COLUMNS} FROM old_assignments;
    {_COUNT_ON}
    DROP TABLE incident_keys;
    ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_incident_id_fkey
        FOREIGN KEY(incident_id) REFERENCES incidents (id);
    """)  # noqa: S608 - all parts are constants
