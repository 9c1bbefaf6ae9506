"""parquet.py READER DIRECTORY COLUMN...: reads all Parquet files below a directory with duckdb or with pyarrow, and
prints the types of the columns and the rows, ordered by the first column, as JSON. Times are in milliseconds."""

import json
import pathlib
import sys

reader, directory, *columns = sys.argv[1:]


def of_duckdb():
    import duckdb

    files = duckdb.sql(f"SELECT * FROM read_parquet('{directory}/**/*.parquet', union_by_name = true)")
    types = {name: str(kind) for name, kind in zip(files.columns, files.types)}

    def select(column):
        return f'epoch_ms("{column}")' if types[column].startswith("TIMESTAMP") else f'"{column}"'

    rows = files.project(", ".join(map(select, columns))).order("1").fetchall()
    return types, rows


def of_pyarrow():
    import pyarrow
    import pyarrow.dataset
    import pyarrow.parquet

    paths = [str(path) for path in pathlib.Path(directory).rglob("*.parquet")]
    # A file has the columns of its own rows; pyarrow by itself takes those of the first file for all.
    schema = pyarrow.unify_schemas([pyarrow.parquet.read_schema(path) for path in paths])
    files = pyarrow.dataset.dataset(paths, schema=schema, format="parquet")
    types = {field.name: str(field.type) for field in files.schema}
    table = files.to_table(columns=columns).sort_by(columns[0])

    def values(column):
        return column.cast(pyarrow.int64()) if pyarrow.types.is_timestamp(column.type) else column

    return types, list(zip(*(values(table[name]).to_pylist() for name in columns)))


types, rows = {"duckdb": of_duckdb, "pyarrow": of_pyarrow}[reader]()
print(json.dumps({"types": {name: types[name] for name in columns}, "rows": rows}))
