"""Names that find places."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    """Change nothing yet."""


def downgrade():
    """Change nothing yet."""
