"""The words of the museum in English: title, question and answer of each exhibit.

The figures in them are those of `measured.json`.
"""

WORDS: dict[str, tuple[str, str, str]] = {
    "sign": (
        "G goes the wrong way",
        "Where do the fakes go? G's loss is below 0: can -log D(G(z)) be?",
        "With the minus sign G raises its loss, so the fakes move away from the data. D is"
        " certain of every point: D(x) is 1 and D(G(z)) is 0. The curves show it: -log D(G(z)) is"
        " never below 0, but this loss of G falls without end.",
    ),
    "labels-swapped": (
        "D's labels are swapped",
        "Both losses fall to 0. Is that good? Look at D(x) and D(G(z)).",
        "D learns to call real points fake and fakes real: D(x) is 0 and D(G(z)) is 1. G's loss"
        " is near 0, and so is its gradient: the fakes never come near the data. Losses of 0 look"
        " like success, but both players of a game cannot win. D(x) and D(G(z)) show which way"
        " round D has learned.",
    ),
    "fakes-left-out": (
        "D never learns from a fake",
        "Both losses fall to 0 and stay there. Who has won?",
        "Nobody. D's loss has real points only, so D calls everything real: D(x) and D(G(z)) are"
        " both 1. G's loss is 0, its gradient too, and no sample is near the data. The curves"
        " show it: a D that tells real from fake cannot say 1 to both. The doctor calls G too"
        " strong, because D ranks every fake above the real points.",
    ),
    "detach-forgotten": (
        "Detach is forgotten: G's step moves D, too",
        "Whose weights does G's step move? Play it line by line. Where does D(x) come to rest?",
        "G's loss is made smaller by both players: D also learns to call fakes real, against its"
        " own step. With two losses for a high D and one against, it comes to rest at 2/3 on real"
        " points and fakes alike. So D's loss is 1.50, not log 4 = 1.39, and G's is -log 2/3 ="
        " 0.41. The curves show it by these levels. The picture shows less: G still finds its"
        " modes, but 61 % of its samples are near one, not 90 %. The doctor finds nothing.",
    ),
    "no-grad-forgotten": (
        "no_grad is forgotten: no harm here",
        "Do the two runs differ at all? Play it line by line: what stands behind the line of the"
        " fakes?",
        "The runs are equal to the last bit. This engine asks for the gradients of D's weights by"
        " name, so D's step cannot move G. Only work is lost: line by line you see that the fakes"
        " now have a graph that leads to G, and nothing uses it. In libraries that add up"
        " gradients in fields of the weights, the same mistake does harm: see the next exhibits.",
    ),
    "gradients-kept": (
        "Gradients are never cleared",
        "The step uses the sum of all gradients so far. What happens to the losses? What does the"
        " doctor find?",
        "The sum points to where the data were on average, not to where they are now, and a large"
        " sum keeps its direction for long after a player has gone too far. Logits and losses"
        " grow without end, and no sample is near a mode. The curves show it, and so does the"
        " doctor: divergence, dead units and mode collapse in all 5 runs. In libraries that add"
        " up gradients in fields of the weights, one forgotten line is enough.",
    ),
    "z-drawn-once": (
        "z is drawn once",
        "Which run has the better losses? And which has the better fakes?",
        "G sees the same 16 z in every round and learns to map these to data. The fakes of other"
        " z mostly lie between the modes: G has 3 of the 8 modes on average, and a third of its"
        " samples are near one, not three quarters. The curves do not show it: they are even"
        " nearer to log 4 and log 2, because D only ever sees those 16 fakes.",
    ),
    "sigmoid-twice": (
        "A sigmoid too many",
        "D's loss is log 4 and G's loss is near log 2, as at the equilibrium. Has G learned the"
        " data?",
        "No: 2 of the 8 modes on average, not 7. D ends in a sigmoid, but the losses take logits"
        " and apply another one. So D's output is at least 1/2, and its gradient is nearly 0"
        " where the inner sigmoid is flat. Losses of log 4 and log 2 only say that D cannot tell"
        " the two apart. That is so if G is perfect, and also if D has learned nothing: an"
        " untrained D, with logits near 0, has them, too. The doctor finds nothing, either.",
    ),
    "saturating": (
        "The saturating loss",
        "D is ahead here: SGD, five steps of D for one of G. In which run are the arrows long?",
        "With log(1 - D(G(z))) G's gradient is in proportion to D(G(z)). Where D is sure of a"
        " fake, it is nearly 0: the arrows vanish and the fakes stop, with 1 mode or none after"
        " 500 rounds. -log D(G(z)) has the same equilibrium, and there its gradient is largest: 3"
        " or 4 modes. The curves show it: D's loss is 0.15, not 0.95, and the doctor finds D too"
        " strong in 4 of 5 runs.",
    ),
    "batchnorm-mixed": (
        "BatchNorm sees real points and fakes together",
        "D is right about nearly every point. Then why does G learn nothing?",
        "In D's step real points and fakes share one minibatch, so each logit depends on both"
        " kinds, and D learns to tell them apart with the statistics of that mixture: D's loss is"
        " 0.04. In G's step the minibatch has fakes only, and the same D calls them real: G's"
        " loss is small as well. G gets no useful gradient and stays far from the data (JSD 0.69"
        " of at most 0.69). The curves show it: both losses are small at once.",
    ),
    "zero-to-one": (
        "Pixels from 0 to 1, and a tanh",
        "G's pixels lie between -1 and 1, the data's now between 0 and 1. What do the real digits"
        " look like?",
        "They are gray, real digits and fakes alike: 0 is the middle of tanh's range, not black."
        " Half of that range is now useless, and about a fifth of G's pixels are in it, where no"
        " pixel of the data is. It does little harm here: after 1500 rounds G has learned where"
        " to stay, and the losses are like those of the right run. The curves do not show it."
        " Look at the data as the network gets them.",
    ),
    "rates": (
        "Learning rates of 0.05",
        "Nearly all fakes lie on a mode. So is all well? What does the doctor find?",
        "No: 93 % of the samples are near a mode, but in most runs near the same one of 8. The"
        " first steps are so large that many units end where they are 0 for every input and get"
        " no gradient again: the doctor finds dead units in all 5 runs and mode collapse in 4."
        " The curves show it: if all fakes sit on one mode with an eighth of the real points, the"
        " best D says 1/9 there, and so D(G(z)) is 0.11.",
    ),
    "momentum": (
        "A momentum of 0.9",
        "Do the fakes settle on the modes, or do they run past them?",
        "Past gradients of a player belong to an opponent that has changed since. With beta1 ="
        " 0.9 the steps still follow them, and the fakes oscillate around the modes: 64 % of them"
        " are near one, not 90 %, and in 3 of 5 runs modes are missing. The curves show it: D's"
        " loss stays below log 4, at 1.17. The doctor finds nothing. For one network alone 0.9 is"
        " no mistake: it is Adam's own default.",
    ),
    "d-too-strong": (
        "D learns too fast",
        "D's rate is 0.1 now, 25 times as high. Does a faster D help G?",
        "No. D changes so much in one step that what G has learned against it is out of date in"
        " the next round. G has 4 to 8 modes, but only 43 % of its samples are near one, not 90"
        " %. The curves show it: both losses jump, and in one of 5 runs they are above 20. A fast"
        " D is not a good D: the doctor, who looks for a D that is always right, finds nothing.",
    ),
    "g-too-strong": (
        "Ten steps of G for one of D",
        "The losses are at log 4 and log 2, closer than those of the right run. Whose fakes are"
        " better?",
        "Those of the right run. In ten steps all fakes go to where the present D is highest."
        " After D's next step that is elsewhere, and they all go there. After 1500 rounds G has 4"
        " modes on average, anything from 0 to 8, and the doctor finds mode collapse in 2 of 5"
        " runs. The losses do not show it. D never catches up, so it cannot tell the two apart,"
        " and that alone gives log 4 and log 2.",
    ),
    "bias-correction": (
        "Adam without its bias correction",
        "Look at the first rounds: how large are the steps? And do the runs meet later?",
        "Adam's averages start at 0. Without the correction the average of squares is too small"
        " at first, and the steps are up to 100 times too large (1 over the root of 1 - beta2,"
        " which is 0.9999 here). After 2000 rounds they are still more than twice too large. G"
        " finds most modes, but two thirds of its samples are near one, not nine tenths. The"
        " curves show it weakly: D's loss stays a little lower.",
    ),
    "notes-1": (
        "As in the notes: three mistakes",
        "Gradients are never cleared, the rates are 0.01, beta1 is 0.9. What do you see? What"
        " does the doctor find?",
        "G learns nothing: no mode in any of 5 runs. Losses grow into the thousands, and the"
        " doctor finds divergence, dead units and mode collapse in every run. The curves show"
        " that something is wrong, but not what: three mistakes look like one. So repair one line"
        " at a time.",
    ),
    "notes-2": (
        "Gradients are cleared",
        "One mistake fewer. What is better now, and what is not?",
        "The losses are of a usual size again, and divergence is found in 2 runs, not in 5. But G"
        " still has no mode in any run: rates of 0.01 with beta1 = 0.9 leave dead units, and all"
        " fakes lie in one spot. The doctor finds dead units and mode collapse in every run. The"
        " curves show it: D's loss is 0.5, far below log 4. A repair that changes no picture may"
        " still have been right.",
    ),
    "notes-3": (
        "And the rates are those of the settings",
        "Two mistakes fewer: only beta1 = 0.9 is left. Is that enough?",
        "Nearly: G has 4 to 8 modes, 7 on average, and the doctor finds nothing. But only 64 % of"
        " the samples are near a mode, and D's loss is 1.17. With the last line it will be 90 %,"
        " and log 4 = 1.39. This is the exhibit with a momentum of 0.9 again.",
    ),
    "notes-4": (
        "And beta1 is that of the settings",
        "No mistake is left. Do the two runs differ?",
        "No: they are equal to the last bit, because nothing is changed and the seed is the same."
        " G has all 8 modes. The repairs took one line each, and a line for each of the two"
        " rates.",
    ),
}
