"""A provider that is no model: it says what its models' names say, the same in every run.

A real server of the OpenAI protocol, for tests, trials and load: nothing of it is in the path of an
answer unless a setting names its address.
"""
