"""Metadata of the app, in a file of its own as in the CLAMS template."""
import sys

from clams import ClamsApp
from clams.appmetadata import AppMetadata
from mmif import DocumentTypes

NAMED_ENTITY = "http://vocab.lappsgrid.org/NamedEntity"


def appmetadata() -> AppMetadata:
    metadata = AppMetadata(
        name="spaCy named entities",
        description="Names of people, places, organisations, dates and more in English text, by a pipeline of spaCy.",
        app_license="Apache-2.0",
        identifier="spacy-ner",
        url="https://github.com/clamsproject/clams-cpp",
        app_version="1.0",
        analyzer_version="3.8.7",
        analyzer_license="MIT",
        est_gpu_mem_min=300,
        est_gpu_mem_typ=500,
    )
    metadata.add_input(DocumentTypes.TextDocument)
    metadata.add_output(NAMED_ENTITY)
    metadata.add_parameter(
        name="labels", type="string", multivalued=True, default=[],
        description="Kinds of names to keep, as spaCy calls them (PERSON, GPE, ORG, DATE, ...). None given: all of them.")
    return metadata


if __name__ == "__main__":
    metadata = appmetadata()
    for parameter in ClamsApp.universal_parameters:
        metadata.add_parameter(**parameter)
    sys.stdout.write(metadata.jsonify(pretty=True))
