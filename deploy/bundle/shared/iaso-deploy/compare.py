"""Compares the tables that code knows with the tables after migrations that it does not have."""

import re


# Types of which every value fits into the other.
WIDER = {
    "smallint": {"integer", "bigint"},
    "integer": {"bigint"},
    "real": {"double precision"},
}
# Defaults that give each row another value.
DISTINCT_DEFAULT = re.compile(r"^(nextval|gen_random_uuid|uuid_generate_v4|uuid_generate_v1)\(")


def fits(old, new):
    """True if code for a column of the old type reads and writes a column of the new type."""
    if old == new or new in WIDER.get(old, ()):
        return True
    varchar = re.fullmatch(r"character varying(?:\((\d+)\))?", old)
    if varchar:
        wider = re.fullmatch(r"character varying(?:\((\d+)\))?", new)
        length = wider and wider.group(1)
        return new == "text" or bool(wider) and (length is None or varchar.group(1) is not None and int(length) >= int(varchar.group(1)))
    numeric, wider = (re.fullmatch(r"numeric\((\d+),(\d+)\)", one) for one in (old, new))
    if numeric and wider:
        (digits, scale), (more, same) = (map(int, one.groups()) for one in (numeric, wider))
        return same == scale and more >= digits
    return False


def compare(old, new, models):
    """
    Returns what breaks the running code, what may, and the columns that only a temporary default keeps from breaking it.

    :param old: The tables before the migrations, of `catalogue.read`.
    :param new: The tables after them.
    :param models: The columns that the running code knows: {table: {column: True if the code writes NULL into it}}.
    """
    breaks, warnings = [], []

    def broken(kind, table, column, text):
        breaks.append({"kind": kind, "table": table, "column": column, "text": text})

    def warn(kind, table, column, text):
        warnings.append({"kind": kind, "table": table, "column": column, "text": text})

    for table, known in models.items():
        if table not in old:
            continue
        if table not in new:
            broken("tableGone", table, None, "the table is gone or renamed")
            continue
        before, after = old[table], new[table]
        if after["view"] and not before["view"] and not after["updatable"]:
            broken("tableGone", table, None, "the table is a view now that cannot be written to")
        for column, writes_null in known.items():
            if column not in before["columns"]:
                continue
            if column not in after["columns"]:
                broken("columnGone", table, column, "the column is gone or renamed")
                continue
            compare_column(table, column, writes_null, before, after, broken, warn)
        if not after["view"]:
            compare_unknown_columns(table, known, before, after, broken)
            compare_constraints(table, known, old, new, broken)
    compare_references(old, new, models, warn)
    return breaks, warnings


def compare_column(table, column, writes_null, before, after, broken, warn):
    was, now = before["columns"][column], after["columns"][column]
    if not fits(was["type"], now["type"]):
        broken("typeChanged", table, column, f"the type changes from {was['type']} to {now['type']}")
    if after["view"]:
        return
    if now["not_null"] and not was["not_null"] and writes_null:
        broken("notNull", table, column, "the column no longer accepts NULL")
    if was["not_null"] and not now["not_null"]:
        warn("null", table, column, "the column may contain NULL now, which the running code may not expect")
    if now["generated"] and not was["generated"]:
        broken("generated", table, column, "the database computes the column now, and refuses values for it")
    if (was["identity"] or was["default"]) and not (now["identity"] or now["default"]) and was["not_null"]:
        broken("defaultGone", table, column, "the database no longer gives the column a value")
    if now["identity"] == "a" and was["identity"] != "a":
        broken("identityAlways", table, column, "the database refuses values for the column (GENERATED ALWAYS)")


def compare_unknown_columns(table, known, before, after, broken):
    """New columns without a value of their own stop every INSERT of code that does not know them."""
    for column, now in after["columns"].items():
        if column in known or not needs_value(now):
            continue
        was = before["columns"].get(column)
        if was is None or not needs_value(was):
            broken("required", table, column, f"the new column ({now['type']}) needs a value, and has no default in the database")


def needs_value(column):
    return column["not_null"] and not (column["default"] or column["identity"] or column["generated"])


def compare_constraints(table, known, old, new, broken):
    before, after = old[table], new[table]
    for unique in after["uniques"]:
        columns = unique["columns"]
        implied = any(
            set(one["columns"]) <= set(columns) and one["where"] in (None, unique["where"]) and one["nulls_equal"] <= unique["nulls_equal"]
            or one == unique
            for one in before["uniques"]
        )
        if not implied and not any(is_distinct(after["columns"].get(one), one, known, unique) for one in columns):
            where = f" where {unique['where']}" if unique["where"] else ""
            broken("unique", table, ", ".join(columns), f"new unique constraint on {', '.join(columns)}{where}")
    for check, columns in after["checks"].items():
        # A column that is new has NULL, or the default with which the rows that exist passed the check.
        if check not in before["checks"] and not (columns and all(one not in known for one in columns)):
            broken("check", table, ", ".join(columns), f"new constraint {check}")
    for key in after["foreign_keys"]:
        same = [one for one in before["foreign_keys"] if one["columns"] == key["columns"]]
        renamed = any(one["target"] not in new or new[one["target"]]["view"] for one in same)
        if any(one["target"] == key["target"] for one in same) or renamed:
            continue
        if all(one in known for one in key["columns"]):
            broken("foreignKey", table, ", ".join(key["columns"]), f"new constraint {key['sql']}")
    for trigger in sorted(set(after["triggers"]) - set(before["triggers"])):
        broken("trigger", table, None, f"new trigger: {trigger}")


def is_distinct(column, name, known, unique):
    """True if rows that the running code inserts never have the same value in the column of a unique constraint."""
    if column is None or name in known:
        return False
    if column["identity"] or DISTINCT_DEFAULT.match(column["default"] or ""):
        return True
    # Without a value the INSERT fails anyway, and that has been said.
    return needs_value(column) or column["default"] is None and not unique["nulls_equal"]


def compare_references(old, new, models, warn):
    """Rows that the running code does not know may keep it from deleting rows: Django's cascade leaves them out."""
    for table, definition in new.items():
        known = models.get(table, {})
        before = old.get(table, {"foreign_keys": []})["foreign_keys"]
        for key in definition["foreign_keys"]:
            target = key["target"]
            unknown = any(column not in known for column in key["columns"])
            is_new = not any(one["columns"] == key["columns"] and one["target"] == target for one in before)
            if key["stops_delete"] and unknown and is_new and target in models and target in old and target != table:
                columns = ", ".join(key["columns"])
                warn("delete", target, None, f"the running code cannot delete rows to which {table}.{columns} points")
