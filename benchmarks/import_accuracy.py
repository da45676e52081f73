"""How exact the import of Hugging Face configs is: family | configs tried | exact.

Run with ``python -m benchmarks.import_accuracy``; transformers' own classes count on the meta device.
"""

from benchmarks.hugging_face_configs import VARIATIONS, defaults, families, reference_count, variations
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.formats.hugging_face.reading import import_config


def main() -> None:
    print("| family | configs tried | exact | built here |")
    print("|---|---|---|---|")
    for family in families():
        exact, buildable = 0, True
        for given in (defaults(family), *variations(family)):
            found = import_config(given)
            buildable = found.buildable
            ours = count_parameters(found.model) if found.model else found.counted
            exact += ours is not None and ours.total == reference_count(given)
        print(f"| {family} | {1 + VARIATIONS} | {exact} | {'yes' if buildable else 'counted only'} |")


if __name__ == "__main__":
    main()
