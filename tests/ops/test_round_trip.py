"""From the service under load to the message that somebody gets, through servers that run what was generated."""

from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest

from anytel.generate import Options, generate
from ops.declared import SERVICE, catalogue
from ops.servers import alertmanager, edited, hook, mailbox, prometheus, service, write
from real.web import await_value as soon

SOURCES = ["debian", pytest.param("go", marks=pytest.mark.go)]
BAD = ("fragment-refresh", "legacy-sync")
GOOD = ("fragment-refresh",)
LONG = 90.0
"""Seconds that all of it may take on a machine that does other things too."""
QUICK = {"scrape_interval": "1s", "evaluation_interval": "1s"}


def await_value(read, enough=bool):
    return soon(read, enough, timeout=LONG)


@contextmanager
def told(source, folder, hooked, declarations, smtp="localhost:25"):
    """Run an Alertmanager that waits for no group to fill."""
    secrets = folder / "secrets"
    write(secrets, {"oncall_slack_url": f"{hooked.url}/slack", "api_webhook_token": "sesame"})
    write(folder, generate("alertmanager", declarations, Options(service=SERVICE, secrets=str(secrets), smtp=smtp)))
    with edited(folder / "alertmanager/alertmanager.yml") as config:
        for route in (config["route"], *config["route"]["routes"]):
            route["group_wait"] = "100ms"
    with alertmanager(source, folder / "alertmanager/alertmanager.yml", folder / "alerts") as running:
        yield running


@pytest.fixture(scope="module", params=SOURCES)
def world(request, tmp_path_factory):
    """Give what became of a service of which every second skill fails."""
    folder = tmp_path_factory.mktemp("world")
    with ExitStack() as stack:
        hooked = stack.enter_context(hook())
        mails = stack.enter_context(mailbox())
        declarations = catalogue(hooked.url)
        alerts = stack.enter_context(told(request.param, folder, hooked, declarations, mails.address))
        app = stack.enter_context(service(folder / "app", BAD))
        options = Options(service=SERVICE, scrape=(app.metrics,), alertmanagers=(alerts.address,), **QUICK)
        write(folder, generate("prometheus", declarations, options))
        config = folder / "prometheus/prometheus.yml"
        server = stack.enter_context(prometheus(request.param, config, folder / "samples"))
        yield SimpleNamespace(hook=hooked, mails=mails, alerts=alerts, server=server)


@pytest.mark.timeout(120)
def test_a_burning_objective_reaches_the_one_on_call_with_its_labels_and_text(world):
    """The webhook gets the critical alert, with what the declaration says, and no label that differs by replica."""
    (alert,) = await_value(lambda: world.hook.alerts("/oncall"))

    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "ErrorBudgetBurn",
        "cluster": "default",
        "owner": "skills",
        "service": SERVICE,
        "severity": "critical",
        "slo": "skills-succeed",
    }
    assert alert["annotations"]["runbook_url"] == "https://runbooks.example/skills"
    assert alert["annotations"]["description"].startswith("Skills do what they are asked for: ")
    assert " were bad within 1h or 6h, and 1% may be over 30d." in alert["annotations"]["description"]


@pytest.mark.timeout(120)
def test_slack_gets_a_title_and_a_text_that_a_person_can_read(world):
    """The templates are Alertmanager's to fill in; the channel is the declared one."""
    (message,) = await_value(lambda: world.hook.got("/slack"))
    (said,) = message["attachments"]

    assert message["channel"] == "#afo-alerts"
    assert said["title"] == f"[FIRING:1] ErrorBudgetBurn skills-succeed, {SERVICE} in default"
    assert said["color"] == "danger"
    assert said["text"].startswith("skills-succeed: the error budget is burning too fast\nSkills do what they are")
    assert "severity critical, owner skills.\nRunbook: https://runbooks.example/skills" in said["text"]


@pytest.mark.timeout(120)
def test_a_mail_has_the_same_title_and_text(world):
    """In plain text for those who read it so, beside Alertmanager's own page."""
    (mail,) = await_value(lambda: world.mails.mails)

    assert mail["To"] == "oncall@afo.example"
    assert mail["Subject"] == f"[FIRING:1] ErrorBudgetBurn skills-succeed, {SERVICE} in default"
    assert "Runbook: https://runbooks.example/skills" in mail.get_body(["plain"]).get_content()


@pytest.mark.timeout(120)
def test_the_lesser_alert_of_the_same_objective_is_inhibited(world):
    """Alertmanager has it, tells nobody, and says which alert is in its way."""
    burns = {"alertname": "ErrorBudgetBurn", "slo": "skills-succeed"}
    suppressed = await_value(
        lambda: world.alerts.alert(severity="warning", **burns),
        lambda found: found and found["status"]["state"] == "suppressed",
    )
    critical = world.alerts.alert(severity="critical", **burns)

    assert suppressed["status"]["inhibitedBy"] == [critical["fingerprint"]]
    assert {one["labels"]["severity"] for one in world.hook.alerts("/oncall")} == {"critical"}


@pytest.mark.timeout(120)
def test_an_alert_reaches_its_owners_receiver_with_the_token_from_the_file(world):
    """It is not inhibited: the critical alert is another owner's."""
    (alert,) = await_value(lambda: [one for one in world.hook.alerts("/api") if one["labels"].get("owner") == "api"])

    assert alert["labels"]["alertname"] == "SkillsAreRun"
    assert alert["annotations"]["description"].endswith(" a second")
    assert world.hook.tokens["/api"] == "Bearer sesame"


@pytest.mark.timeout(120)
def test_an_alert_that_names_two_receivers_reaches_both(world):
    """And nobody else."""
    again = "SkillsAreRunAgain"
    for path in ("/api", "/audit"):
        await_value(lambda path=path: [one for one in world.hook.alerts(path) if one["labels"]["alertname"] == again])

    assert again not in {one["labels"]["alertname"] for one in world.hook.alerts("/oncall")}


@pytest.mark.timeout(120)
def test_a_muted_alert_is_there_and_nobody_is_told(world):
    """Alertmanager says that it is the time that keeps it from telling."""
    night = await_value(lambda: world.alerts.alert(alertname="SkillsAreRunAtNight"))
    await_value(lambda: "route is within mute time" in world.alerts.log.read_text())

    assert night["receivers"] == [{"name": "oncall"}]
    assert "SkillsAreRunAtNight" not in {one["labels"]["alertname"] for one in world.hook.alerts("/oncall")}


@pytest.mark.timeout(120)
def test_amtool_silences_an_alert(world):
    """As the how-to says it."""
    await_value(lambda: world.alerts.alert(alertname="SkillsAreRun"))
    silence = world.alerts.silence("alertname=SkillsAreRun", f"service={SERVICE}")

    found = await_value(
        lambda: world.alerts.alert(alertname="SkillsAreRun"), lambda one: one["status"]["state"] == "suppressed"
    )
    assert found["status"]["silencedBy"] == [silence]


@pytest.fixture(scope="module", params=SOURCES)
def federated(request, tmp_path_factory):
    """Give what a central server makes of two leaves, of which one's service fails every second time."""
    folder = tmp_path_factory.mktemp("federated")
    with ExitStack() as stack:
        hooked = stack.enter_context(hook())
        declarations = catalogue(hooked.url)
        alerts = stack.enter_context(told(request.param, folder, hooked, declarations))
        east = stack.enter_context(service(folder / "east-app", BAD))
        west = stack.enter_context(service(folder / "west-app", GOOD))
        options = Options(service=SERVICE, scrape=(east.metrics,), alertmanagers=(alerts.address,), **QUICK)
        write(folder, generate("federation", declarations, options))
        with edited(folder / "federation/leaf-west.yml") as leaf:
            leaf["scrape_configs"][0]["static_configs"][0]["targets"] = [west.metrics]
        leaves = {
            name: stack.enter_context(prometheus(request.param, folder / f"federation/leaf-{name}.yml", folder / name))
            for name in ("east", "west")
        }
        with edited(folder / "federation/central.yml") as config:
            config["scrape_configs"][0]["static_configs"][0]["targets"] = [
                one.url.removeprefix("http://") for one in leaves.values()
            ]
        central = stack.enter_context(prometheus(request.param, folder / "federation/central.yml", folder / "central"))
        yield SimpleNamespace(hook=hooked, alerts=alerts, central=central, leaves=leaves)


@pytest.mark.timeout(120)
def test_the_central_server_tells_which_cluster_is_failing(federated):
    """One alert, of the leaf whose service fails; it was evaluated at the center, of what the leaves record."""
    (alert,) = await_value(lambda: federated.hook.alerts("/oncall"))

    labels = alert["labels"]
    assert (labels["alertname"], labels["cluster"], labels["severity"]) == ("ErrorBudgetBurn", "east", "critical")
    assert labels["monitor"] == "central"


@pytest.mark.timeout(120)
def test_the_central_server_has_what_is_recorded_of_both_and_no_raw_series(federated):
    """The leaves' labels are kept: the same series of two clusters are two series."""
    recorded = await_value(lambda: federated.central.query("slo:sli_error:ratio_rate5m"), lambda found: len(found) == 2)

    assert {dict(one)["cluster"]: value > 0 for one, value in recorded.items()} == {"east": True, "west": False}
    assert federated.leaves["east"].query("skills_executions_total")
    assert not federated.central.query("skills_executions_total")


@pytest.mark.timeout(120)
def test_alerts_on_raw_series_come_from_the_leaves(federated):
    """Each leaf tells its own."""
    found = await_value(
        lambda: [one["labels"] for one in federated.hook.alerts("/api") if one["labels"].get("owner") == "api"],
        lambda labels: {one["cluster"] for one in labels} == {"east", "west"},
    )

    assert all("monitor" not in one for one in found)
