"""Options of all Python test suites: leaves out slow cases unless --long is given, and lists the cases that failed."""


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also run the slow cases")
    parser.addoption("--failed-to", metavar="FILE", help="append the failed cases to this file, one per line")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs only with --long")
    path = config.getoption("failed_to")
    if path:
        config.pluginmanager.register(FailedCases(path))


class FailedCases:
    def __init__(self, path):
        self._path = path
        self._seen = set()

    def pytest_runtest_logreport(self, report):
        if not report.failed or report.nodeid in self._seen:
            return
        self._seen.add(report.nodeid)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(report.nodeid + "\n")


def pytest_collection_modifyitems(config, items):
    if config.getoption("long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
