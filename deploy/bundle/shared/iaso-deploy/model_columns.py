"""The columns that the models of the code know."""

from django.apps import apps


def known_columns(models):
    """Returns the columns of models: {table: {column: True if the code may write NULL}}."""
    tables = {}
    for model in models:
        columns = tables.setdefault(model._meta.db_table.replace('"', ""), {})
        for field in model._meta.local_concrete_fields:
            if field.column is not None:
                columns[field.column] = columns.get(field.column, False) or field.null
    return tables


def own_columns():
    """Returns the columns of this code's models."""
    return known_columns(apps.get_models(include_auto_created=True))
