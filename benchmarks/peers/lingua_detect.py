"""Tell the language of each line of input, a JSON string, by lingua with all its languages."""

import json
import sys
import time

from lingua import LanguageDetectorBuilder

detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()
texts = [json.loads(line) for line in sys.stdin]
began = time.perf_counter()
found = [detector.detect_language_of(text) for text in texts]
seconds = time.perf_counter() - began
codes = [each.iso_code_639_1.name.lower() if each else "und" for each in found]
print(json.dumps({"seconds": seconds, "languages": codes}))
