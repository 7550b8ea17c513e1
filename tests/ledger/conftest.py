"""Every test of the ledger runs over SQLite and over PostgreSQL."""

import itertools

import pytest
import sqlalchemy as sa
from ledger.postgres import server

COUNT = itertools.count(1)


@pytest.fixture(scope="session")
def postgres():
    with server() as place:
        yield place


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """Name an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    place = request.getfixturevalue("postgres")
    name = f"ledger{next(COUNT)}"
    url = f"postgresql+psycopg://postgres@/postgres?host={place}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"postgresql://postgres@/{name}?host={place}"
