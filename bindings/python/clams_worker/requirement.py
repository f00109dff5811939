"""Asks the app what GPU memory a request would need: its optional method ``_get_model_requirements(**parameters)``."""
import importlib.util
import inspect
import json
from urllib.parse import parse_qs

METHOD = "_get_model_requirements"


class BadAnswer(Exception):
    """The app answered something that is no requirement."""


def knows_envelopes():
    """clams-python before 1.6 does not."""
    return importlib.util.find_spec("clams.envelop") is not None


def raw_parameters(query, envelope):
    """Name → list of strings as the SDK makes them; `envelope` is the text of the envelope's "parameters" object, or empty."""
    from_query = parse_qs(query, keep_blank_values=True)
    if not envelope or not knows_envelopes():
        return from_query
    from clams.envelop import normalize_params
    return {**normalize_params(json.loads(envelope)), **from_query}


def refined_parameters(app, raw):
    refine = getattr(app, "_refine_params", None)
    if refine is None:
        return raw
    refined = refine(**raw)
    return {name: value for name, value in refined.items() if not name.startswith("#")}


def _accepted(function, parameters):
    """The app's method may name only the parameters that it looks at."""
    signature = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature):
        return parameters
    names = {parameter.name for parameter in signature}
    return {name: value for name, value in parameters.items() if name in names}


def ask(app, query, envelope):
    """None, or {"size_bytes": int, "name": str}. The parameters may be wrong for the app: what `_refine_params` raises comes out."""
    function = getattr(app, METHOD, None)
    if function is None:
        return None
    answer = function(**_accepted(function, refined_parameters(app, raw_parameters(query, envelope))))
    if answer is None:
        return None
    size = answer.get("size_bytes") if isinstance(answer, dict) else None
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0 <= size < 2 ** 63:
        raise BadAnswer("{}() must return None or a dict with 'size_bytes' (a number of bytes), not {!r}".format(METHOD, answer))
    return {"size_bytes": int(size), "name": str(answer.get("name") or "")}
