"""One target under libFuzzer, by atheris: `python -m proof.fuzz.worker TARGET LIBFUZZER-OPTIONS`. It never returns."""

import sys

import atheris

with atheris.instrument_imports(include=["yuanlu.iso8583", "yuanlu.fleet", "yuanlu.gateway", "yuanlu.settings"]):
    from proof.fuzz.targets import TARGETS


def main() -> None:
    """Hand the process over to the fuzzer."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
