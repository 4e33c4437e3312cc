"""Alembic's entry point: runs on the connection and against the tables it is handed."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
