"""Buildings and addresses."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    """Change nothing yet."""


def downgrade():
    """Change nothing yet."""
