"""What the checks of this folder share: a check is a function that yields what is wrong."""

import json
import os
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(os.environ["DEPLOY_ROOT"])
TABLES = json.loads(Path(os.environ["DEPLOY_TABLES"]).read_text())

SERVICES = ["api-gateway", "ingest", "processor", "aggregator", "query"]


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def load_all(path):
    return [document for document in yaml.safe_load_all(Path(path).read_text()) if document]


def mib(text):
    number, unit = re.fullmatch(r"([\d.]+)\s*([kmg]?)(?:i?b?)?", str(text).lower()).groups()
    return float(number) * {"": 1 / 1048576, "k": 1 / 1024, "m": 1, "g": 1024}[unit]


def run(checks):
    """Run the check that the first argument names; exit with 1 where it finds anything."""
    name, *arguments = sys.argv[1:]
    problems = [str(problem) for problem in checks[name](*arguments)]
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
