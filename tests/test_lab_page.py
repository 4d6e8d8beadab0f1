"""The lab's page in Chromium: its picture, curves and settings, as a reader uses them.

`TINYGAN_LAB_PICTURES=1 pytest tests/test_lab_page.py -k pictures` writes the README's pictures.
"""

import io
import os
from pathlib import Path

import pytest
from lab_browser import opened, until
from PIL import Image

from tinygan.lab.exhibits import described
from tinygan.lab.settings import FORM, read_query

PICTURES = Path(__file__).parent.parent / "examples" / "thumbnails"
WANTED = os.environ.get("TINYGAN_LAB_PICTURES")
EXHIBIT = "sigmoid-twice"  # the one in the README's picture, with its own settings
STARTED = "document.body.dataset.round"
STATE = "window.lab.state"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def page(local_page):
    """The page with its first picture."""
    until(local_page, STARTED)
    return local_page


def play_until(page, condition, speed="25"):
    """Play until a condition holds, then pause."""
    page.select_option("#speed", speed)
    page.click("#play")
    until(page, condition)
    page.click("#play")
    settle(page)


def settle(page):
    """Wait for the replies to what the page has asked until now: they come in order."""
    page.evaluate("window.lab.engine.ask({op: 'node', name: 'z'}).then(() => null)")


def open_settings(page):
    if page.locator("#controls").is_hidden():
        page.click("#open-controls")


def settings(page):
    return page.evaluate(f"{STATE}.settings")


def pixels(page, canvas="#canvas-0"):
    """The colors of a canvas: [[red, green, blue, opacity], ...] of some pixels."""
    return page.evaluate(
        """(canvas) => {
            const { width, height } = document.querySelector(canvas);
            const context = document.querySelector(canvas).getContext("2d");
            const { data } = context.getImageData(0, 0, width, height);
            const some = [];
            for (let i = 0; i < data.length; i += 4 * 97) some.push([...data.slice(i, i + 4)]);
            return some;
        }""",
        canvas,
    )


def drawn(page):
    """Wait for the pictures that are to be drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def test_the_page_plays_the_ring_until_all_modes_are_found(page):
    assert page.title().startswith("tinygan lab")
    play_until(page, "document.body.dataset.modes === '8' && document.body.dataset.share > .7")
    numbers = page.inner_text("#numbers")
    assert "8 of 8 modes" in numbers
    assert f"Round {page.evaluate(f'{STATE}.runs[0].round'):,}" in numbers
    assert numbers in page.inner_text("#live")
    assert numbers in page.get_attribute("#canvas-0", "aria-label")
    shown = pixels(page)
    assert any(g > r + 40 and b > r for r, g, b, _ in shown)  # green: real points
    assert any(r > g + 90 > b + 90 for r, g, b, _ in shown)  # orange: fakes
    assert page.inner_text("#charts").count("0.") >= 4


@pytest.mark.parametrize("data", ["grid", "moons", "spiral", "drawn", "line", "digits"])
def test_each_data_set_has_its_picture(page, data):
    page.check(f"#data-{data}", force=True)
    until(page, f"{STATE}.settings.data === '{data}'")
    play_until(page, f"{STATE}.runs[0].round >= 20", speed="5")
    drawn(page)
    assert len({tuple(color) for color in pixels(page)}) > 20
    assert page.get_attribute("#canvas-0", "aria-label")
    assert page.input_value("#data-" + data) == data and page.is_checked("#data-" + data)


def other(name, value):
    """A value of a setting that is not the present one."""
    field = FORM[name]
    if hasattr(field, "choices"):
        return next(each for each in field.choices if each != value)
    return str(field.low + 3 if field.kind == "integer" else field.low or 0.25)


def test_every_control_changes_its_setting(page):
    open_settings(page)
    for name in FORM:
        page.evaluate("location.hash = ''")  # some settings do not go together
        until(page, f"{STATE}.query === ''")
        value = other(name, settings(page)[name])
        if name == "data":
            page.check(f"#data-{value}", force=True)
        elif hasattr(FORM[name], "choices"):
            page.select_option(f"#set-{name}", value)
        else:
            page.fill(f"#set-{name}", value)
            page.press(f"#set-{name}", "Enter")
        until(page, f"{STATE}.settings.{name} == '{value}'")
        theirs = read_query(page.evaluate(f"{STATE}.query"))
        assert str(getattr(theirs, name)) == value
        assert f"{name}={value}" in page.evaluate("decodeURIComponent(location.hash)")


def test_a_live_setting_changes_while_the_game_runs(page):
    open_settings(page)
    page.click("#play")
    until(page, f"{STATE}.runs[0].round > 20")
    page.locator("#slide-rate_g").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    until(page, f"{STATE}.settings.rate_g > 1e-3")
    assert page.evaluate(f"{STATE}.runs[0].round") > 20
    until(page, f"document.querySelector('#set-rate_g').value == {STATE}.settings.rate_g")
    page.select_option("#set-optimizer", "sgd")  # not live: the game starts anew and goes on
    until(page, f"{STATE}.settings.optimizer === 'sgd' && {STATE}.runs[0].round < 20")
    until(page, f"{STATE}.runs[0].round > 20")


def test_a_setting_that_the_engine_refuses_is_said_and_taken_back(page):
    open_settings(page)
    page.fill("#set-m", "999999")
    page.press("#set-m", "Enter")
    until(page, "document.querySelector('#message').textContent.includes('m: expected')")
    assert settings(page)["m"] == 128
    assert page.input_value("#set-m") == "128"


def test_changes_while_the_engine_answers_another_are_all_kept(page):
    open_settings(page)
    page.click("#play")
    quick = {"rate_g": "0.0005", "k": "3", "m": "64", "rate_d": "0.001"}
    for name, value in quick.items():
        page.fill(f"#set-{name}", value)
        page.press(f"#set-{name}", "Enter")
    page.select_option("#set-game", "hinge")
    until(page, f"{STATE}.settings.game === 'hinge'")
    theirs = settings(page)
    assert {name: theirs[name] for name in quick} == {k: float(v) for k, v in quick.items()}


def test_the_engine_never_has_more_than_one_request_to_play(page):
    page.evaluate(
        """() => {
            const { engine } = window.lab;
            const ask = engine.ask;
            window.waiting = window.most = 0;
            engine.ask = async (message) => {
                if (message.op === "play") window.most = Math.max(window.most, ++window.waiting);
                try {
                    return await ask(message);
                } finally {
                    if (message.op === "play") window.waiting--;
                }
            };
        }"""
    )
    for _ in range(7):
        page.click("#play")
        page.wait_for_timeout(15)
    until(page, f"{STATE}.runs[0].round >= 50")
    assert page.evaluate("window.most") == 1


def test_the_address_holds_the_state(browser, local_address):
    state = "data=moons&game=hinge&rate_g=0.004&seed=7&language=ko&speed=10&hide=arrows,bent"
    with opened(browser, f"{local_address}#{state}") as page:
        until(page, STARTED)
        assert page.evaluate("location.hash.slice(1)") == state
        held = settings(page)
        assert (held["data"], held["game"], held["rate_g"], held["seed"]) == (
            *("moons", "hinge"),
            *(0.004, 7),
        )
        assert page.input_value("#speed") == "10"
        assert page.evaluate("document.documentElement.lang") == "ko"
        assert not page.is_checked("#layer-arrows")
        page.evaluate("location.hash = 'data=spiral'")
        until(page, f"{STATE}.settings.data === 'spiral'")
        assert page.evaluate("document.documentElement.lang") == "en"
        page.evaluate("history.back()")
        until(page, f"{STATE}.settings.data === 'moons'")


def test_a_bad_link_is_one_line_and_the_defaults(browser, local_address):
    with opened(browser, f"{local_address}#data=nothing") as page:
        until(page, STARTED)
        until(page, "document.querySelector('#message').textContent")
        assert "data 'nothing' is unknown" in page.inner_text("#message")
        assert settings(page)["data"] == "ring"
        assert page.evaluate("location.hash") in ("", "#")


def test_a_run_that_stops_says_why_and_pauses(browser, local_address):
    state = "game=least-squares&optimizer=sgd&rate_g=1&rate_d=1"
    with opened(browser, f"{local_address}#{state}") as page:
        until(page, STARTED)
        page.click("#play")
        until(page, f"{STATE}.runs[0].stopped && !{STATE}.playing")
        assert page.inner_text("#message") == page.evaluate(f"{STATE}.runs[0].stopped")
        page.click("#restart")
        until(page, f"{STATE}.runs[0].round === 0")
        assert page.inner_text("#message") == ""


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_an_exhibit_is_played_beside_the_right_run(browser, local_address, options):
    name = next(iter(described()))
    with opened(browser, f"{local_address}#exhibit={name}", **options) as page:
        until(page, STARTED)
        titles = page.locator("#picture figcaption").all_inner_texts()
        assert titles == ["As it is", "With the changed line"]
        play_until(page, f"{STATE}.runs[1].round >= 20 || {STATE}.runs[1].stopped", speed="5")
        assert all(title in page.inner_text("#numbers") for title in titles)
        assert page.locator("#key").is_visible()
        assert page.evaluate(f"{STATE}.history.length") == 2
        assert all(page.get_attribute(f"#canvas-{i}", "aria-label") for i in (0, 1))
        assert page.evaluate("location.hash").startswith(f"#exhibit={name}")
        assert width(page) == page.viewport_size["width"]
        page.evaluate("location.hash = ''")
        until(page, "document.querySelectorAll('#picture canvas').length === 1")
        assert page.locator("#key").is_hidden()


def test_copy_link_copies_the_address(browser, local_address):
    options = {"permissions": ["clipboard-read", "clipboard-write"]}
    with opened(browser, f"{local_address}#seed=3", **options) as page:
        until(page, STARTED)
        page.click("#copy-link")
        until(page, "document.querySelector('#message').textContent")
        assert page.evaluate("navigator.clipboard.readText()").endswith("#seed=3")


def test_a_layer_can_be_hidden(page):
    def orange():
        drawn(page)
        return sum(r > g + 90 for r, g, _, _ in pixels(page))

    before = orange()
    page.uncheck("#layer-fake")
    page.uncheck("#layer-arrows")
    assert orange() < before / 4
    assert page.evaluate("location.hash") == "#hide=arrows,bent,fake"


def test_points_are_drawn_with_the_mouse(page):
    page.check("#data-drawn", force=True)
    until(page, f"{STATE}.settings.points !== ''")  # a random cluster to begin with
    before = settings(page)["points"]
    box = page.locator("#canvas-0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 80, y)
    page.mouse.down()
    page.mouse.move(x + 80, y, steps=20)
    page.mouse.up()
    until(page, f"{STATE}.settings.points !== '{before}'")
    points = page.evaluate(f"[...{STATE}.arrays['0/real'].data]")
    near_stroke = [y for x, y in zip(points[::2], points[1::2], strict=True) if abs(y) < 0.25]
    assert len(near_stroke) > 10
    before = settings(page)["points"]
    page.locator("#add-cluster").focus()
    page.keyboard.press("Enter")
    until(page, f"{STATE}.settings.points.length > {len(before)}")
    assert f"points={settings(page)['points']}" in page.evaluate("location.hash")


def test_korean(page):
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert "재생" in page.inner_text("#play")
    assert "모드 8개 중" in page.inner_text("#numbers")
    assert "생성자" in page.inner_text("#intro")
    open_settings(page)
    assert "학습률" in page.inner_text("#controls")
    page.click("#language")
    assert "Play" in page.inner_text("#play")


def test_both_languages_have_all_words(page):
    words = page.evaluate("import('./language.js').then((module) => module.LANGUAGES)")
    english, korean = words["en"], words["ko"]
    assert list(english) == list(korean)
    for name, field in FORM.items():
        names = [f"{name}.{each}" for each in getattr(field, "choices", ())]
        names += [f"set.{name}", f"note.{name}", f"group.{field.group}"]
        assert [each for each in names if each not in english and name != "data"] == []
    braces = {key for key in english if "{" in english[key]}
    assert braces == {key for key in korean if "{" in korean[key]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(browser, local_address, scheme):
    with opened(browser, local_address, color_scheme=scheme) as page:
        until(page, STARTED)
        drawn(page)
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        level = int(color.removeprefix("rgb(").split(",")[0])
        brightness = [sum(each[:3]) / 3 for each in pixels(page)]
        mean = sum(brightness) / len(brightness)
        assert (level > 200, mean > 128) == (scheme == "light", scheme == "light")


def width(page):
    return page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_phone_needs_no_horizontal_scrolling(browser, local_address, language):
    with opened(browser, f"{local_address}#language={language}", **PHONE) as page:
        until(page, STARTED)
        assert width(page) == 390
        for name in ("controls", "museum", "help"):
            page.click(f"#open-{name}")
            assert page.locator(f"#{name}").is_visible()
            assert width(page) == 390
        page.click("#close-panel")
        assert page.locator("#panels").is_hidden()
        for data in ("line", "digits", "drawn"):
            page.tap(f"label:has(#data-{data})")
            until(page, f"{STATE}.settings.data === '{data}'")
            drawn(page)
            assert width(page) == 390
        before = len(settings(page)["points"])
        page.tap("#canvas-0")  # a finger draws, too
        until(page, f"{STATE}.settings.points.length > {before}")


def test_the_keyboard_alone_is_enough(page):
    page.keyboard.press("Space")
    until(page, f"{STATE}.playing && {STATE}.runs[0].round > 10")
    page.keyboard.press("Space")
    until(page, f"!{STATE}.playing")
    page.keyboard.press("h")
    assert page.locator("#help").is_visible()
    assert page.evaluate("document.activeElement.id") == "help"
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    page.keyboard.press("s")
    assert page.locator("#controls").is_visible()
    page.locator("#set-k").focus()
    page.keyboard.press("s")  # in a box it is a letter
    assert page.locator("#controls").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "open-controls"
    page.locator("#data-ring").focus()
    page.keyboard.press("ArrowRight")
    until(page, f"{STATE}.settings.data === 'grid'")
    assert page.evaluate("document.activeElement.id") == "data-grid"


def test_each_control_has_a_name(page):
    open_settings(page)
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select, canvas, [role=img]")].filter(
            (each) => !each.labels?.length && !each.ariaLabel && !each.textContent.trim(),
        ).map((each) => each.outerHTML)"""
    )
    assert nameless == []


def save(page, name):
    """Write what the page shows as a small picture."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(160, kmeans=1, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)
    assert (PICTURES / name).stat().st_size <= 100_000


@pytest.mark.skipif(WANTED is None, reason="TINYGAN_LAB_PICTURES is not set")
def test_pictures_of_the_page(browser, local_address):
    """The README's pictures: a round on the ring at the end of D's step, and an exhibit."""
    view = {"viewport": {"width": 1280, "height": 1030}, "device_scale_factor": 0.8}
    with opened(browser, local_address, **view) as page:
        until(page, STARTED)
        play_until(page, f"{STATE}.runs[0].round >= 1000", speed="25")
        film = f"{STATE}.film"
        page.click("#line")
        until(page, film)
        while not page.evaluate(f"{film}.events[{film}.index].made[0]?.name === 'd_loss'"):
            page.click("#line")
        page.wait_for_timeout(1000)  # the code scrolls
        save(page, "lab.png")
    view = {"viewport": {"width": 1440, "height": 1140}, "device_scale_factor": 0.72}
    query = f"{described()[EXHIBIT]['query']}&exhibit={EXHIBIT}"
    with opened(browser, f"{local_address}#{query}", **view) as page:
        until(page, STARTED)
        page.click("#open-museum")
        page.click("#exhibit-play")
        until(page, f"!{STATE}.playing && {STATE}.runs[0].round > 100", seconds=200)
        settle(page)
        drawn(page)
        save(page, "lab-museum.png")
