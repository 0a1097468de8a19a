"""Laws of the panel's page, in a real browser, at the width of a phone and of a desk."""

import time

import pytest
from chromium import Chromium, installed
from operated import POLICIES, Operated

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.slow,
    pytest.mark.skipif(installed() is None, reason="no Chromium is installed"),
]

WIDTHS = [(390, 844), (1280, 900)]
BUTTONS = ("#start", "#stop", "#reset", "#estop")


@pytest.fixture
def browser():
    browser = Chromium()
    yield browser
    browser.close()


def state(browser):
    return browser.value("document.getElementById('state').textContent")


def estop(browser):
    return browser.value("document.getElementById('estop').textContent")


def opened(browser, operated, expected="LIMP"):
    browser.open(operated.process.panel)
    browser.wait_for(f"document.getElementById('state').textContent === '{expected}'")


@pytest.mark.parametrize("robot", POLICIES)
def test_of_every_robot_it_shows_all_and_stops_it(browser, robot):
    with Operated(robot, panel=0) as operated:
        opened(browser, operated)
        for width, height in WIDTHS:
            browser.resize(width, height)
            browser.wait_for("document.querySelectorAll('#joints tr').length > 0")
            assert browser.value("document.documentElement.scrollWidth") <= width
            shown = browser.value("document.body.innerText")
            assert all(joint in shown for joint in operated.robot.joints)
            for button in BUTTONS:  # without scrolling
                assert browser.value(
                    f"(box => box.bottom <= innerHeight && box.right <= innerWidth && box.height >= 44)"
                    f"(document.querySelector('{button}').getBoundingClientRect())"
                ), button
        assert not operated.driven  # opened, looked at, and nothing has moved
        browser.tap("#start")
        browser.wait_for("document.getElementById('state').textContent === 'RUNNING'")
        assert operated.driven
        assert estop(browser) == "E-STOP"
        browser.tap("#estop")
        browser.wait_for("document.getElementById('state').textContent === 'ESTOP'")
        browser.wait_for("document.getElementById('estop').textContent === 'IN ESTOP'")
        assert not operated.driven
        assert [said for said in browser.said if "exceptionDetails" in said] == []
        assert all(address.startswith(operated.process.panel.partition("?")[0]) for address in browser.requested)


def test_a_command_lasts_as_long_as_the_page(browser):
    with Operated("quadruped", panel=0) as operated:
        opened(browser, operated)
        browser.tap("#start")
        browser.wait_for("document.getElementById('state').textContent === 'RUNNING'")
        browser.value("(slider => { slider.value = 0.3; slider.oninput(); })(document.querySelector('.command input'))")
        browser.wait_for("document.querySelector('.command output').textContent === '0.30'")
        assert operated.process.box.values[0] == pytest.approx(0.3)
        assert "in command" in browser.value("document.getElementById('link').textContent")
        browser.open("data:,gone")
        deadline = time.monotonic() + 20
        while operated.process.box.values[0] != 0.0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert operated.process.box.values[0] == 0.0
        assert operated.driven  # closing a page does not stop the robot: the YAML's operator_timeout does


def test_an_emergency_stop_that_does_not_arrive_is_shouted(browser):
    with Operated("pendulum", panel=0) as operated:
        opened(browser, operated)
        browser.value("(window.fetch = () => Promise.reject(new Error('no network')), true)")
        browser.tap("#estop")
        browser.wait_for("document.getElementById('alert').textContent.includes('E-STOP WAS NOT SENT: no network')")
        assert estop(browser) == "E-STOP"
        assert state(browser) == "LIMP"


def test_what_is_old_is_said_to_be_old_and_an_ended_run_to_have_ended(browser):
    with Operated("pendulum", panel=0) as operated:
        opened(browser, operated)
        browser.tap("#stop")
        operated.join()
    browser.wait_for("document.getElementById('link').textContent === 'the run has ended'")
    assert browser.value("[...document.querySelectorAll('footer button')].every(button => button.disabled)")


def test_a_page_without_the_token_shows_nothing_of_the_robot(browser):
    with Operated("pendulum", panel=0) as operated:
        browser.open(operated.process.panel.partition("?")[0])
        assert "token is missing or wrong" in browser.value("document.body.innerText")
