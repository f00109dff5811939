"""Runs the C++ program that drives hosted apps through the worker pool, under each SDK."""
import os
import pathlib
import subprocess


def test_hosted_apps_behind_the_worker_pool(sdk):
    build = os.environ.get("CLAMS_BUILD")
    assert build, "CLAMS_BUILD must name the build directory (ctest sets it)"
    program = pathlib.Path(build) / "tests" / "python_pool_test"
    done = subprocess.run([str(program), "--gtest_brief=1"], env={**os.environ, "CLAMS_TEST_PYTHON": str(sdk[1])}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
