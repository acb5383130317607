"""What Alembic runs: the migrations, inside the transaction that `service.store.upgrade` holds."""

from alembic import context

from service.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
