"""The worker side of clams-cpp for apps written with clams-python.

Runs inside the app's own virtual environment from a directory on ``sys.path``: nothing is installed, nothing beyond the standard library (3.8 or
newer) is needed. ``python <this directory> --fd 3 --life-fd 4 -- app.py args…`` is started by the front, never by hand.
"""
