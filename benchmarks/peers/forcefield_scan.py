"""Scan each line of input, a JSON string, for injection by ForceField as it is set up at first."""

import json
import sys
import time

import forcefield

guard = forcefield.Guard(telemetry=False)
texts = [json.loads(line) for line in sys.stdin]
found, taken = [], []
for text in texts:
    began = time.perf_counter()
    result = guard.scan(text)
    taken.append((time.perf_counter() - began) * 1000)
    found.append(bool(result.blocked))
print(json.dumps({"is_attack": found, "milliseconds": taken}))
