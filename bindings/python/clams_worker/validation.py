"""Makes the JSON schema checks of mmif-python cheaper without changing what they find.

Two things cost most of a small request there: every check first checks the schema itself, which never changes; and the input is checked although the
front has just done so. The first is remembered; the second is left out for requests that the front marks as valid.
"""
import copy
import sys
import threading


class CachedValidate:
    """Stands in for `jsonschema.validators.validate`; remembers the validator of the last schema."""

    def __init__(self, validators, best_match):
        self._original = validators.validate
        self._validator_for = validators.validator_for
        self._best_match = best_match
        self._last = None  # (private copy of the schema, validator)

    def __call__(self, instance, schema, cls=None, *args, **kwargs):
        if cls is not None or args or kwargs:
            return self._original(instance, schema, cls, *args, **kwargs)
        last = self._last
        if last is None or last[0] != schema:
            kept = copy.deepcopy(schema)
            kind = self._validator_for(kept)
            kind.check_schema(kept)
            last = self._last = (kept, kind(kept))
        if self._best_match(last[1].iter_errors(instance)) is not None:
            # The original raises it, so that the stack trace is the original's, too.
            return self._original(instance, schema)
        return None


class InputCheck:
    """Leaves out the check of the input, and of the same text again, while a request runs that the front found valid.

    The first text that is checked in a request is its input, in every version of the SDK; the output is checked as always.
    """

    def __init__(self):
        self._request = threading.local()

    def begin(self, input_is_valid):
        self._request.active = input_is_valid
        self._request.text = None

    def skips(self, text):
        if not getattr(self._request, "active", False):
            return False
        if self._request.text is None:
            self._request.text = text
            return True
        first = self._request.text
        return type(first) is type(text) and isinstance(text, (str, bytes)) and first == text


def _uses_best_match():
    try:
        from importlib.metadata import version
        return int(version("jsonschema").split(".")[0]) >= 3  # earlier ones raise the first error they meet
    except Exception:
        return False


def install(cache_schema):
    """Patches mmif-python if it is loaded. Returns the InputCheck that requests use, or None when this version cannot be patched."""
    module = sys.modules.get("mmif.serialize.mmif")
    mmif_class = getattr(module, "Mmif", None)
    original = getattr(mmif_class, "validate", None)
    if original is None:
        return None
    validators = sys.modules.get("jsonschema.validators")
    if cache_schema and validators is not None and _uses_best_match() and not isinstance(validators.validate, CachedValidate):
        from jsonschema.exceptions import best_match
        validators.validate = CachedValidate(validators, best_match)
    check = InputCheck()

    def validate(json_str):
        if not check.skips(json_str):
            original(json_str)

    mmif_class.validate = staticmethod(validate)
    return check
