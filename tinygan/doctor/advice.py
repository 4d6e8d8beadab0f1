"""The remedies in the literature for each training failure.

    ADVICE["mode collapse"]      its remedies, the easiest first

`remedies` leaves out those that a run uses already, and those with options that it does not accept.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..gan import GAMES, Game
from ..language import Text


class Remedy(NamedTuple):
    """A remedy: what to do, the source, and the options of `tinygan train` that apply it."""

    what: Text
    source: Text | str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The remedy in English."""
        return self.of("en")

    def of(self, language: str) -> str:
        """The remedy with its options and source, on one line, in this language."""
        source = self.source if isinstance(self.source, str) else self.source.of(language)
        options = f" ({', '.join(self.options)})" if self.options else ""
        return f"{self.what.of(language)}{options} ({source})"


GAN, DCGAN, TUTORIAL = "Goodfellow et al. 2014", "Radford et al. 2015", "Goodfellow 2016"
TWO_RATES, TRICKS = "Heusel et al. 2017", "Salimans et al. 2016, 3.4"
DCGAN_3 = Text(f"{DCGAN}, section 3", f"{DCGAN}, 3절")
DCGAN_RATE = Text(f"{DCGAN}, section 4: 2e-4", f"{DCGAN}, 4절: 2e-4")
LOWER_RATES = Remedy(
    Text("lower learning rates", "두 학습률을 낮춥니다"), DCGAN_RATE, ("--lr-d", "--lr-g")
)
LOWER_G = Text("a lower learning rate of G", "G의 학습률을 낮춥니다")
CLIPPING = Remedy(
    Text("clipping of the norm of gradients", "기울기의 노름을 상한에서 자릅니다"),
    "Pascanu et al. 2013",
)
PENALTY = Text("a penalty on D's gradient", "D의 기울기에 벌점을 줍니다")
R1 = Remedy(PENALTY, "Mescheder et al. 2018", ("--penalty r1",))
NON_SATURATING = Remedy(
    Text("the non-saturating loss of G", "G에 비포화 손실을 씁니다"),
    Text(f"{GAN}, section 3", f"{GAN}, 3절"),
    ("--game non-saturating",),
)
LEAKY = Remedy(
    Text(
        "LeakyReLU in D, which always passes a gradient",
        "D에 기울기가 언제나 흐르는 LeakyReLU를 씁니다",
    ),
    DCGAN_3,
)
RATE = Text(
    "a learning rate that changes the weights without saturating outputs",
    "출력을 포화시키지 않으면서 가중치를 바꾸는 학습률을 씁니다",
)

ADVICE: dict[str, tuple[Remedy, ...]] = {
    "D too strong": (
        NON_SATURATING,
        Remedy(Text("a lower learning rate of D", "D의 학습률을 낮춥니다"), TWO_RATES, ("--lr-d",)),
        Remedy(
            Text("dropout in D, or more of it", "D에 드롭아웃을 넣거나 늘립니다"),
            Text(f"{GAN}, section 5", f"{GAN}, 5절"),
        ),
        Remedy(
            Text("fewer filters or units in D", "D의 필터나 유닛을 줄입니다"),
            Text(f"discussed in {TUTORIAL}, section 4.4", f"{TUTORIAL}, 4.4절의 논의"),
        ),
        Remedy(Text("label noise", "레이블 잡음을 넣습니다"), TRICKS, ("--label-noise",)),
        Remedy(Text("label smoothing", "레이블 스무딩을 씁니다"), TRICKS, ("--smoothing",)),
        Remedy(
            Text("label flips", "레이블을 가끔 뒤집습니다"),
            "Chintala et al. 2016, ganhacks",
            ("--label-flips",),
        ),
        R1,
    ),
    "mode collapse": (
        Remedy(
            Text("more steps of D for one of G", "G의 한 걸음에 D의 걸음을 늘립니다"),
            Text(f"{GAN}, section 6", f"{GAN}, 6절"),
            ("--k",),
        ),
        Remedy(LOWER_G, TWO_RATES, ("--lr-g",)),
        Remedy(
            Text("minibatch discrimination in D", "D에 미니배치 판별층을 넣습니다"),
            "Salimans et al. 2016, 3.2",
        ),
        Remedy(
            Text(
                "packing: D classifies several examples together",
                "패킹을 씁니다: D가 예 여러 개를 한꺼번에 판별합니다",
            ),
            "Lin et al. 2018",
        ),
        Remedy(
            Text("the Wasserstein game with its penalty", "벌점이 있는 Wasserstein 게임을 씁니다"),
            "Gulrajani et al. 2017",
            ("--game wasserstein",),
        ),
        R1,
    ),
    "G too strong": (
        Remedy(
            Text("more steps of D in a round", "한 라운드에 D의 걸음을 늘립니다"),
            Text(f"{GAN}, Algorithm 1", f"{GAN}, 알고리즘 1"),
            ("--k",),
        ),
        Remedy(
            Text("a higher learning rate of D than of G", "D의 학습률을 G보다 높게 합니다"),
            TWO_RATES,
            ("--lr-d", "--lr-g"),
        ),
        Remedy(
            Text(
                "less dropout, label noise or smoothing in D",
                "D의 드롭아웃, 레이블 잡음, 레이블 스무딩을 줄입니다",
            ),
            Text(f"they weaken it: {TRICKS}", f"모두 D를 약하게 합니다: {TRICKS}"),
        ),
        Remedy(
            Text("more filters or units in D", "D의 필터나 유닛을 늘립니다"),
            Text(f"{TUTORIAL}, section 4.4", f"{TUTORIAL}, 4.4절"),
        ),
    ),
    "divergence": (
        LOWER_RATES,
        Remedy(
            Text("Adam's momentum of .5", "Adam의 모멘텀을 .5로 합니다"),
            Text(f"{DCGAN}, section 4", f"{DCGAN}, 4절"),
            ("--beta1",),
        ),
        Remedy(PENALTY, "Gulrajani et al. 2017", ("--penalty wgan-gp",)),
        Remedy(
            Text("spectral normalization of D", "D에 스펙트럼 정규화를 씁니다"),
            "Miyato et al. 2018",
        ),
        CLIPPING,
    ),
    "not finite": (LOWER_RATES, CLIPPING, R1),
    "G does not move": (Remedy(RATE, DCGAN_RATE, ("--lr-g",)), NON_SATURATING, LEAKY),
    "D does not move": (
        Remedy(RATE, DCGAN_RATE, ("--lr-d",)),
        Remedy(
            Text(
                "noisy labels, which D cannot fit exactly",
                "D가 정확히 맞출 수 없도록 레이블에 잡음을 넣습니다",
            ),
            TRICKS,
            ("--label-noise",),
        ),
        Remedy(
            Text(
                "smooth labels, which D cannot fit exactly",
                "D가 정확히 맞출 수 없도록 레이블 스무딩을 씁니다",
            ),
            TRICKS,
            ("--smoothing",),
        ),
        LEAKY,
    ),
    "dead units": (
        LOWER_RATES._replace(
            source=Text(
                "a large step can kill units: Maas et al. 2013",
                "걸음이 크면 유닛이 죽을 수 있습니다: Maas et al. 2013",
            )
        ),
        Remedy(
            Text("LeakyReLU in place of ReLU", "ReLU 대신 LeakyReLU를 씁니다"),
            Text(
                f"Maas et al. 2013; in D: {DCGAN}, section 3",
                f"Maas et al. 2013; D에서는 {DCGAN}, 3절",
            ),
        ),
        Remedy(
            Text("initial weights with He's variance", "가중치를 He의 분산으로 초기화합니다"),
            "He et al. 2015",
        ),
        Remedy(
            Text("BatchNorm before the units", "유닛 앞에 배치 정규화를 넣습니다"),
            "Ioffe and Szegedy 2015",
        ),
    ),
    "BatchNorm drift": (
        Remedy(
            Text(
                "a momentum (weight of the new minibatch) near 0.1",
                "배치 정규화의 모멘텀(새 미니배치의 비중)을 0.1에 가깝게 합니다",
            ),
            "Ioffe and Szegedy 2015",
        ),
        Remedy(
            LOWER_G,
            Text("the running averages then follow G", "그러면 이동 평균이 G를 따라갑니다"),
            ("--lr-g",),
        ),
        Remedy(Text("larger minibatches", "미니배치를 키웁니다"), "Ioffe 2017", ("--batch",)),
        Remedy(
            Text(
                "virtual BatchNorm: statistics of a fixed minibatch",
                "가상 배치 정규화를 씁니다: 정해진 미니배치의 통계를 씁니다",
            ),
            "Salimans et al. 2016, 3.5",
        ),
        Remedy(
            Text(
                "LayerNorm: statistics of each example alone",
                "층 정규화를 씁니다: 예마다 따로 구한 통계를 씁니다",
            ),
            "Ba et al. 2016",
        ),
    ),
}


def remedies(name: str, options: Mapping[str, Any]) -> list[Remedy]:
    """The remedies for the failure `name`, the easiest first, for a run with these options of
    `tinygan train`: without those that it uses already or does not accept."""
    used = {f"--{key.replace('_', '-')} {value}" for key, value in options.items()}
    excluded = used | _refused(options)
    return [each for each in ADVICE[name] if excluded.isdisjoint(each.options)]


def _refused(options: Mapping[str, Any]) -> set[str]:
    """The options that `training.Config` refuses together with these."""
    game, refused = str(options.get("game")), set()
    if isinstance(GAMES.get(game), Game):  # its losses compare logits, so there are no labels
        refused |= {"--smoothing", "--label-noise", "--label-flips"}
    if game == "wasserstein":
        refused.add("--smoothing")
    if options.get("simultaneous"):
        refused.add("--k")
    if options.get("optimizer", "adam") != "adam":
        refused.add("--beta1")
    return refused
