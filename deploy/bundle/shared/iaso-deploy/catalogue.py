"""The definitions of a database's tables, without the names of constraints and indexes, which differ between databases."""

import re


# Tables of extensions, such as PostGIS's spatial_ref_sys, are not the application's.
TABLES = """
SELECT class.oid, CASE WHEN namespace.nspname = current_schema() THEN '' ELSE namespace.nspname || '.' END
  || class.relname, class.relkind, pg_relation_is_updatable(class.oid, true) & 28 = 28
FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
WHERE class.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND namespace.nspname NOT IN ('pg_catalog', 'information_schema') AND namespace.nspname NOT LIKE 'pg\\_%'
  AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e')
"""
COLUMNS = """
SELECT attrelid, attnum, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid),
  attidentity, attgenerated
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped AND attrelid = ANY(%s)
"""
CONSTRAINTS = """
SELECT conrelid, contype, conkey, pg_get_constraintdef(oid), confrelid, confkey, confdeltype
FROM pg_constraint WHERE contype IN ('c', 'f', 'x') AND conrelid = ANY(%s)
"""
UNIQUES = """
SELECT indrelid, (indkey::int2[])[0:indnkeyatts - 1], pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid),
  pg_get_indexdef(indexrelid) LIKE '%% NULLS NOT DISTINCT%%'
FROM pg_index WHERE indisunique AND indrelid = ANY(%s)
"""
TRIGGERS = """
SELECT tgrelid, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid = ANY(%s)
"""


def read(connection):
    """Returns the tables by name; those of other schemas than the current one as "schema.table"."""
    with connection.cursor() as cursor:

        def rows(sql, *parameters):
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()

        tables, names, columns = {}, {}, {}
        for oid, name, kind, updatable in rows(TABLES):
            names[oid] = name
            columns[oid] = {}
            tables[name] = {
                "view": kind in ("v", "m"),
                "updatable": updatable,
                "columns": {},
                "foreign_keys": [],
                "checks": {},
                "uniques": [],
                "triggers": set(),
            }
        oids = list(names)
        for oid, number, name, kind, not_null, default, identity, generated in rows(COLUMNS, oids):
            columns[oid][number] = name
            tables[names[oid]]["columns"][name] = {
                "type": kind,
                "not_null": not_null,
                "default": None if generated else default,
                "identity": identity,
                "generated": generated,
            }
        for oid, kind, key, definition, target, target_key, on_delete in rows(CONSTRAINTS, oids):
            table = tables[names[oid]]
            own = tuple(columns[oid][number] for number in key or [])
            if kind == "f":
                table["foreign_keys"].append(
                    {
                        "columns": own,
                        "target": names.get(target),
                        "target_columns": tuple(columns.get(target, {}).get(number) for number in target_key),
                        "stops_delete": on_delete in ("a", "r"),
                        "sql": definition,
                    }
                )
            else:
                table["checks"][re.sub(r" NOT VALID$", "", definition)] = own
        for oid, key, expressions, predicate, nulls_equal in rows(UNIQUES, oids):
            own = tuple(columns[oid].get(number, f"({expressions})") for number in key)
            unique = {"columns": own, "where": predicate, "nulls_equal": nulls_equal}
            if unique not in tables[names[oid]]["uniques"]:
                tables[names[oid]]["uniques"].append(unique)
        for oid, definition in rows(TRIGGERS, oids):
            tables[names[oid]]["triggers"].add(re.sub(r"^CREATE (CONSTRAINT )?TRIGGER \S+ ", r"CREATE \1TRIGGER ", definition))
    return tables
