"""Scan each line of input, a JSON string, for injection by NanoGuard at its own threshold."""

import json
import sys
import time

from nanoguard import NanoGuard

scanner = NanoGuard(device="cpu")
texts = [json.loads(line) for line in sys.stdin]
found, taken = [], []
for text in texts:
    began = time.perf_counter()
    result = scanner.scan(text)
    taken.append((time.perf_counter() - began) * 1000)
    found.append(bool(result.is_injection))
print(json.dumps({"is_attack": found, "milliseconds": taken}))
