"""The sentences of the doctor's report in English and Korean: the evidence for each diagnosis.

`{now}` is the latest probe, `{listed}` a list of ITEMS, and `{ranking}` and `{measured}` are a
sentence of this page. `diagnosis.py` says when each is true and fills in the numbers.
"""

import re

from ..language import Text

# A diagnosis in the report; `{korean}` is its name in KOREAN.
HEAD = Text("after round {step}: {name}. {seen}", "{step}라운드 뒤: {name}({korean}). {seen}.")
REMEDIES = Text("Remedies:", "처방:")
KOREAN = {
    "divergence": "발산",
    "D too strong": "D가 너무 강함",
    "G too strong": "G가 너무 강함",
    "mode collapse": "모드 붕괴",
    "G does not move": "G가 움직이지 않음",
    "D does not move": "D가 움직이지 않음",
    "dead units": "죽은 유닛",
    "BatchNorm drift": "배치 정규화의 통계가 어긋남",
    "not finite": "유한하지 않은 수",
}

EXPLODED = Text(
    "One round changed the weights by {listed} (healthy: at most a tenth)",
    "한 라운드에 가중치가 지나치게 많이 바뀌었습니다. 바뀐 양이 가중치 노름의 {listed}입니다"
    "(정상: 10분의 1 이하)",
)
EXPLODED_ITEM = Text("{value:.2g} times the norm of {name}'s", "{value:.2g}배({name})")

CONSTANT = Text(
    "The samples are constant: the lower quartile of their distances is "
    "{now.spread:.2g} times that of real images",
    "표본이 모두 같습니다. 표본 사이 거리의 하위 사분위수가 진짜 이미지의 {now.spread:.2g}배입니다",
)

DIVERGED = Text(
    "D's logits are far out of range: their mean is {now.real:.3g} on real images and "
    "{now.fake:.3g} on fakes (healthy: at most a few tens). D's loss is {now.d_loss:.3g}, G's "
    "loss is {now.g_loss:.3g}",
    "D의 로짓이 정상 범위를 크게 벗어났습니다. 로짓의 평균은 진짜 이미지에서 {now.real:.3g}, "
    "가짜에서 {now.fake:.3g}입니다(정상: 커야 수십). D의 손실은 {now.d_loss:.3g}, G의 손실은 "
    "{now.g_loss:.3g}입니다",
)

RANKING = Text(
    "D ranks {now.order:.1%} of the pairs of a real image and a fake correctly",
    "진짜 이미지와 가짜의 쌍 가운데 {now.order:.1%}에서 D가 진짜를 더 높게 봅니다",
)
SATURATED = Text(
    "{ranking}, and G's loss is saturated: its mean slope in D's logits is {now.push:.2g} "
    "(healthy: some tenths). The norm of G's gradient is {g_norm:.2g}, that of D's is {d_norm:.2g}",
    "{ranking}. 그리고 G의 손실이 포화되었습니다. D의 로짓에 대한 기울기의 평균이 "
    "{now.push:.2g}입니다(정상: 영점 몇). 가중치에 대한 기울기의 노름은 G가 {g_norm:.2g}, D가 "
    "{d_norm:.2g}입니다",
)
SETTLED = Text(
    "{ranking}. Its loss is {now.d_loss:.2g}; if all logits were equal, it would be "
    "{now.blind:.3g}. D has nothing left to learn, and G does not catch up: its loss is "
    "{now.g_loss:.3g}",
    "{ranking}. D의 손실은 {now.d_loss:.2g}입니다. 로짓이 모두 같다면 {now.blind:.3g}일 "
    "것입니다. D는 더 배울 것이 없고 G는 따라잡지 못합니다. G의 손실은 {now.g_loss:.3g}입니다",
)
VANISHED = Text(
    "{ranking}, and G's gradient has vanished: its norm is {g_norm:.2g}, and was "
    "{initial:.2g} in the first probes",
    "{ranking}. 그리고 G의 기울기가 소실되었습니다. 기울기의 노름이 {g_norm:.2g}이고, 처음 "
    "점검에서는 {initial:.2g}이었습니다",
)

WRONG = Text(
    "D ranks {wrong:.1%} of the pairs of a real image and a fake wrongly (guessing: 50 %). Its "
    "mean logit is {now.fake:.3g} on fakes and {now.real:.3g} on real images. D does not follow G, "
    "so G's gradient has no information about the real images",
    "진짜 이미지와 가짜의 쌍 가운데 {wrong:.1%}에서 D가 가짜를 더 높게 봅니다(찍으면 50 %). "
    "로짓의 평균은 가짜에서 {now.fake:.3g}, 진짜 이미지에서 {now.real:.3g}입니다. D가 G를 "
    "따라가지 못하므로 G의 기울기에는 진짜 이미지에 대한 정보가 없습니다",
)

SPREAD = Text(
    "the lower quartile of their distances is {now.spread:.2g} times that of real images",
    "표본 사이 거리의 하위 사분위수가 진짜 이미지의 {now.spread:.2g}배입니다",
)
ALIKE = Text("The samples are nearly identical: {measured}", "표본이 거의 같습니다. {measured}")
SHRUNK = Text(
    "The samples have become alike: {measured}; it was {maximum:.2g} before",
    "표본이 서로 비슷해졌습니다. {measured}. 전에는 {maximum:.2g}배였습니다",
)
STAYED = Text(
    "The samples have been alike since round {first.step}: {measured}",
    "{first.step}라운드부터 표본이 서로 비슷합니다. {measured}",
)

STILL = Text(
    "A round changes the weights of {player} by {moved:.2g} of their norm. {cause}",
    "한 라운드에 바뀌는 {player}의 가중치는 노름의 {moved:.2g}배뿐입니다. {cause}",
)
SMALL_RATE = Text(
    "The norm of its gradient is {norm:.2g}, so its learning rate is too small or 0",
    "기울기의 노름이 {norm:.2g}이므로 학습률이 너무 작거나 0입니다",
)
NO_GRADIENT = Text(
    "Its gradient is exactly 0: units are dead or outputs are saturated, often because of "
    "a learning rate that was too high",
    "기울기가 정확히 0입니다. 유닛이 죽었거나 출력이 포화되었습니다. 학습률이 너무 높으면 "
    "흔히 이렇게 됩니다",
)

DEAD = Text(
    "Units are 0 for every example of a minibatch and get no gradient: {listed}",
    "미니배치의 모든 예에서 0인 유닛이 있고, 이런 유닛은 기울기를 받지 못합니다: {listed}",
)
DEAD_ITEM = Text("{value:.0%} of {name}", "{name}의 {value:.0%}")

DRIFTED = Text(
    "BatchNorm's running averages do not follow the minibatches: when samples are "
    "drawn, its output is off by {listed}",
    "배치 정규화의 이동 평균이 미니배치를 따라가지 못합니다. 표본을 뽑을 때 출력이 어긋나는 "
    "정도: {listed}",
)
DRIFTED_ITEM = Text(
    "{value:.2g} standard deviations at {name}", "{name}에서 표준편차의 {value:.2g}배"
)

# "not finite": health.jsonl keeps its evidence in English; `of_record` translates it.
FIRST = Text(
    "The first number that is not finite came from {where}",
    "유한하지 않은 첫 수가 여기에서 나왔습니다: {where}",
)
FIRST_DRAWN = Text(
    "The first number that is not finite came from {where}, when samples were drawn",
    "표본을 뽑을 때 유한하지 않은 첫 수가 여기에서 나왔습니다: {where}",
)
UNNAMED = Text(
    "The first number that is not finite came from an op that cannot be named",
    "유한하지 않은 첫 수가 이름을 알 수 없는 연산에서 나왔습니다",
)
UNKNOWN = Text(
    "The first number that is not finite is unknown: {reason}",
    "유한하지 않은 첫 수를 찾지 못했습니다: {reason}",
)
REPLAY_DIFFERS = Text(
    "All numbers of the replay are finite, so it differs from the run",
    "다시 학습했을 때는 모든 수가 유한했으므로 원래 학습과 다릅니다",
)
HOW_TO_FIND = Text(
    "`tinygan train --resume {run}` plays on from the last checkpoint, with one rank, to find "
    "the first number that is not finite",
    "`tinygan train --resume {run}`으로 마지막 체크포인트부터 프로세스 하나로 학습을 이어 가면 "
    "유한하지 않은 첫 수를 찾습니다",
)
RECORDED = UNNAMED, FIRST_DRAWN, FIRST, UNKNOWN, REPLAY_DIFFERS, HOW_TO_FIND


def of_record(seen: str, language: str) -> str:
    """Evidence from a file, which has it in English, in this language. What is not one of RECORDED
    stays as it is."""
    for text in RECORDED:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(text.en))
        if found := re.fullmatch(pattern, seen):
            return text.of(language).format(**found.groupdict())
    return seen
