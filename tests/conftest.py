"""Cases that take long, of the suites in Python: marked so, and left out without --long."""


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also the cases that take long")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs only with --long")


def pytest_collection_modifyitems(config, items):
    if config.getoption("long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
