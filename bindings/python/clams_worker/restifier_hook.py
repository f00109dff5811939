"""Replaces what starts a web server in clams-python, at the moment the app imports it: `clams` is neither imported early nor changed on disk."""
import importlib.abc
import importlib.util
import sys

TARGET = "clams.restify"
METHODS = ("run", "serve_production", "serve_development")


def patch(module, serve):
    def start(self, **options):
        serve(self)

    for name in METHODS:
        if hasattr(module.Restifier, name):
            setattr(module.Restifier, name, start)


class _Loader(importlib.abc.Loader):
    def __init__(self, loader, serve):
        self._loader = loader
        self._serve = serve

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        patch(module, self._serve)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, serve):
        self._serve = serve

    def find_spec(self, name, path, target=None):
        if name != TARGET:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._serve)
        return spec


def install(serve):
    """`serve(restifier)` runs instead of a web server."""
    if TARGET in sys.modules:
        patch(sys.modules[TARGET], serve)
    else:
        sys.meta_path.insert(0, _Finder(serve))
