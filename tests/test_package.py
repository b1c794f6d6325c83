"""What hassfest, HACS and the quality scale ask of the files around the code."""

import ast
from collections.abc import Iterable
import json
from pathlib import Path
import re
import string
import tomllib
from typing import Any

from homeassistant import components
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
import yaml

from custom_components.energy_homes.const import DOMAIN
from tests.source_keys import (
    PACKAGE,
    Use,
    data_file,
    descriptions,
    leaves,
    modules,
    sections,
    uses,
)

ROOT = PACKAGE.parent.parent

QUALITY_RULES = [
    "action-setup",
    "appropriate-polling",
    "brands",
    "common-modules",
    "config-flow-test-coverage",
    "config-flow",
    "dependency-transparency",
    "docs-actions",
    "docs-triggers",
    "docs-conditions",
    "docs-high-level-description",
    "docs-installation-instructions",
    "docs-removal-instructions",
    "entity-event-setup",
    "entity-unique-id",
    "has-entity-name",
    "runtime-data",
    "test-before-configure",
    "test-before-setup",
    "unique-config-entry",
    "action-exceptions",
    "config-entry-unloading",
    "docs-configuration-parameters",
    "docs-installation-parameters",
    "entity-unavailable",
    "integration-owner",
    "log-when-unavailable",
    "parallel-updates",
    "reauthentication-flow",
    "test-coverage",
    "devices",
    "diagnostics",
    "discovery-update-info",
    "discovery",
    "docs-data-update",
    "docs-examples",
    "docs-known-limitations",
    "docs-supported-devices",
    "docs-supported-functions",
    "docs-troubleshooting",
    "docs-use-cases",
    "dynamic-devices",
    "entity-category",
    "entity-device-class",
    "entity-disabled-by-default",
    "entity-translations",
    "exception-translations",
    "icon-translations",
    "reconfiguration-flow",
    "repair-issues",
    "stale-devices",
    "async-dependency",
    "inject-websession",
    "strict-typing",
]

# Integrations that are always there, or that a platform file of ours is loaded by.
WITHOUT_DEPENDENCY = {
    *(platform.value for platform in Platform),
    "backup",
    "diagnostics",
    "homeassistant",
    "logbook",
    "repairs",
    "system_health",
}

TRANSLATIONS = data_file("translations/en.json")
ICONS = data_file("icons.json")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(
    (PACKAGE / "services.yaml").read_text(encoding="utf-8")
)


def placeholders(*values: str) -> set[str]:
    """Return the names of the placeholders in texts."""
    return {
        name
        for value in values
        for _, name, _, _ in string.Formatter().parse(value)
        if name is not None
    }


def missing(used: Iterable[Use], known: Iterable[str]) -> list[Use]:
    """Return the uses of unknown keys."""
    names = set(known)
    return [use for use in used if use.key not in names]


def keys_of(*names: str) -> set[str]:
    """Return the keys of every section of the flows with one of the names, e.g. `abort`."""
    found: set[str] = set()
    for path, section in sections(
        TRANSLATIONS,
        lambda path: (
            path.split(".")[0] in {"config", "config_subentries", "options", "issues"}
            and path.rsplit(".", 1)[-1] in names
        ),
    ):
        assert path
        found.update(section)
    return found


def central(name: str) -> set[str]:
    """Return the flow keys that Home Assistant itself translates for everybody."""
    path = Path(components.__path__[0]) / "homeassistant" / "translations" / "en.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    return set(content.get("config", {}).get(name, {}))


# Files around the package


def test_quality_scale_answers_every_rule() -> None:
    """Every rule of the scale has one of the known answers, an exemption its reason."""
    rules = yaml.safe_load((PACKAGE / "quality_scale.yaml").read_text("utf-8"))["rules"]

    assert len(QUALITY_RULES) == 54
    assert list(rules) == QUALITY_RULES
    answers = {
        rule: answer if isinstance(answer, dict) else {"status": answer}
        for rule, answer in rules.items()
    }
    assert {answer["status"] for answer in answers.values()} <= {
        "done",
        "todo",
        "exempt",
    }
    assert [
        rule
        for rule, answer in answers.items()
        if answer["status"] == "exempt" and not answer.get("comment")
    ] == []


def test_manifest() -> None:
    """The manifest has what a custom integration needs, in hassfest's order."""
    manifest = data_file("manifest.json")

    assert list(manifest) == ["domain", "name", *sorted(set(manifest) - {"domain", "name"})]  # fmt: skip
    assert set(manifest) <= {
        "after_dependencies",
        "codeowners",
        "config_flow",
        "dependencies",
        "documentation",
        "domain",
        "integration_type",
        "iot_class",
        "issue_tracker",
        "name",
        "requirements",
        "version",
    }
    assert manifest["domain"] == DOMAIN == PACKAGE.name
    assert manifest["config_flow"] is True
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert all(owner.startswith("@") for owner in manifest["codeowners"])
    assert manifest["documentation"].startswith("https://")
    assert manifest["issue_tracker"].startswith("https://")
    assert all("==" in requirement for requirement in manifest.get("requirements", ()))


def test_manifest_names_the_integrations_that_are_imported() -> None:
    """What is imported from another integration is loaded before ours."""
    manifest = data_file("manifest.json")
    named = {
        *manifest.get("dependencies", ()),
        *manifest.get("after_dependencies", ()),
        *WITHOUT_DEPENDENCY,
    }
    imported = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.ImportFrom(module="homeassistant.components", names=names):
                    imported |= {name.name for name in names}
                case ast.ImportFrom(module=str(module)) if module.startswith(
                    "homeassistant.components."
                ):
                    imported.add(module.split(".")[2])

    assert imported - named == set()


def test_hacs() -> None:
    """HACS takes no other keys, and offers the integration from the right version on."""
    hacs = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))

    assert hacs == {"name": data_file("manifest.json")["name"], "homeassistant": "2026.10.0"}  # fmt: skip


def test_one_version() -> None:
    """The project and the manifest have the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert project["version"] == data_file("manifest.json")["version"]


def test_brand() -> None:
    """The pictures have the names and sizes that Home Assistant serves."""
    sizes = {
        # A PNG tells its width and height in its bytes 16 to 24.
        path.name: tuple(
            int.from_bytes(path.read_bytes()[start : start + 4]) for start in (16, 20)
        )
        for path in (PACKAGE / "brand").iterdir()
    }

    assert set(sizes) == {
        f"{theme}{kind}{scale}.png"
        for theme in ("", "dark_")
        for kind in ("icon", "logo")
        for scale in ("", "@2x")
    }
    assert sizes["icon.png"] == sizes["dark_icon.png"] == (256, 256)
    assert sizes["icon@2x.png"] == sizes["dark_icon@2x.png"] == (512, 512)
    assert 128 <= sizes["logo.png"][1] <= 256
    assert sizes["logo@2x.png"][1] == 2 * sizes["logo.png"][1]


@pytest.mark.parametrize("name", ["requirements_test.txt", "requirements_next.txt"])
def test_locks_pin_everything_and_name_no_host(name: str) -> None:
    """A lock has one exact version per package and no address."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line.split("#")[0].strip() for line in lines if line[:1].isalnum()]

    assert len(pins) > 100
    assert all(re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==\S+", pin) for pin in pins)
    assert "://" not in "".join(lines)


# Texts


def test_texts_are_as_hassfest_wants_them() -> None:
    """No text is empty, padded, a reference, a piece of HTML, or holds an address."""
    texts = dict(leaves(TRANSLATIONS))

    assert {path for path, text in texts.items() if not text.strip()} == set()
    assert {path for path, text in texts.items() if text != text.strip()} == set()
    assert {path for path, text in texts.items() if "[%key:" in text} == set()
    assert {
        path for path, text in texts.items() if re.search(r"</?[a-z]+[^>]*>", text)
    } == set()
    assert {path for path, text in texts.items() if "://" in text} == set()
    # Single quotes switch placeholders off in the frontend's message format.
    assert {path for path, text in texts.items() if re.search(r"'\{|\}'", text)} == set()  # fmt: skip


def test_exceptions() -> None:
    """Every exception's text exists, fits its placeholders, and is used."""
    texts = TRANSLATIONS["exceptions"]

    assert missing(uses().exceptions, texts) == []
    assert [
        use
        for use in uses().exceptions
        if use.placeholders is not None
        and not placeholders(texts[use.key]["message"]) <= use.placeholders
    ] == []
    assert set(texts) - uses().strings == set()


def test_issues() -> None:
    """Every repair's text exists, fits its placeholders, and is used."""
    texts = TRANSLATIONS["issues"]

    assert missing(uses().issues, texts) == []
    assert [
        use
        for use in uses().issues
        if use.placeholders is not None
        and not placeholders(*(text for _, text in leaves(texts[use.key])))
        <= use.placeholders
    ] == []
    assert {key for key, text in texts.items() if "title" not in text} == set()
    assert {
        key
        for key, text in texts.items()
        if ("description" in text) == ("fix_flow" in text)
    } == set()
    assert set(texts) - uses().strings == set()


def test_flow_steps() -> None:
    """Every step that is shown has a text, and every text a step."""
    steps = keys_of("step")

    # Home Assistant's own helper shows this step.
    by_default = {"pick_implementation"}

    assert missing(uses().steps, steps) == []
    assert steps - uses().step_methods - by_default == set()


def test_flow_menus() -> None:
    """Every choice of a menu has a text and a step, and the other way round."""
    choices = keys_of("menu_options")

    assert missing(uses().menu_options, choices) == []
    assert choices - uses().step_methods == set()
    assert choices - uses().strings == set()


def test_flow_fields() -> None:
    """Every field of a step has a name, a description, and is a field of a form."""
    steps = dict(
        sections(TRANSLATIONS, lambda path: path.split(".")[-2:-1] == ["step"])
    )

    assert steps
    assert {
        path
        for path, step in steps.items()
        if set(step.get("data", ())) != set(step.get("data_description", ()))
    } == set()
    assert {
        field for step in steps.values() for field in step.get("data", ())
    } - uses().strings == set()
    assert {
        path
        for path, step in steps.items()
        if "title" not in step and "description" not in step
    } == set()


def test_flow_errors() -> None:
    """Every error has a text in each kind of flow, and every text is used."""
    errors = keys_of("error")

    assert missing(uses().errors, errors | central("error")) == []
    assert errors - uses().strings == set()


def test_flow_aborts() -> None:
    """Every end of a flow has a text, and every text is used."""
    aborts = keys_of("abort")
    # Home Assistant's own helpers end a flow with this reason.
    by_default = {"already_configured"}

    assert missing(uses().aborts, aborts | central("abort")) == []
    assert aborts - uses().strings - by_default == set()


def test_selectors() -> None:
    """Every selector's options have texts, and every text is used."""
    texts = TRANSLATIONS["selector"]
    in_services = {
        selector["select"]["translation_key"]: set(selector["select"]["options"])
        for service in SERVICES.values()
        for one in (service or {}).get("fields", {}).values()
        for selector in [one["selector"]]
        if "translation_key" in (selector.get("select") or {})
    }

    assert missing(uses().selectors, texts) == []
    assert {
        key: options - set(texts[key]["options"])
        for key, options in in_services.items()
        if options - set(texts[key]["options"])
    } == {}
    assert set(texts) - uses().strings - set(in_services) == set()


def test_devices() -> None:
    """Every device with a translated name has it, and every text is used."""
    texts = TRANSLATIONS.get("device", {})

    assert missing(uses().devices, texts) == []
    assert set(texts) - uses().strings == set()


def test_entities() -> None:
    """Every entity has a name and an icon of its own or of its device class."""
    names = TRANSLATIONS["entity"]
    icons = ICONS["entity"]
    found = list(descriptions())
    used = {
        (platform, description.translation_key)
        for platform, description in found
        if description.translation_key
    } | {(platform, use.key) for platform, use in uses().entity_attributes}

    assert found
    assert {
        (platform, description.key)
        for platform, description in found
        if description.translation_key is None and description.device_class is None
    } == set()
    assert used == {
        (platform, key) for platform, entities in names.items() for key in entities
    }
    assert {
        (platform, description.key)
        for platform, description in found
        if description.device_class is None
        and description.translation_key not in icons.get(platform, {})
    } == set()


def test_icons_belong_to_entities_and_their_states() -> None:
    """No icon is left over, and those of ranges come in ascending order."""
    names = TRANSLATIONS["entity"]
    icons = [
        (platform, key, icon)
        for platform, entities in ICONS["entity"].items()
        for key, icon in entities.items()
    ]

    assert [
        (platform, key)
        for platform, key, _ in icons
        if key not in names.get(platform, {})
    ] == []
    assert [
        (platform, key)
        for platform, key, icon in icons
        if platform in {"sensor", "select", "event"}
        and not set(icon.get("state", ())) <= set(names[platform][key].get("state", ()))
    ] == []
    assert [
        (platform, key)
        for platform, key, icon in icons
        if [*map(float, icon.get("range", ()))]
        != sorted(map(float, icon.get("range", ())))
    ] == []
    assert {
        path
        for path, icon in leaves(ICONS)
        if not re.fullmatch(r"mdi:[a-z0-9-]+", icon)
    } == set()


# Actions


def test_actions_have_texts_and_icons() -> None:
    """Each action and each of its fields is described, and has an icon."""
    texts = TRANSLATIONS["services"]

    assert set(texts) == set(SERVICES) == set(ICONS["services"])
    assert {name: set(text.get("fields", ())) for name, text in texts.items()} == {
        name: set((service or {}).get("fields", ()))
        for name, service in SERVICES.items()
    }
    assert {
        path
        for path, text in sections(
            texts, lambda path: "." not in path or ".fields." in path
        )
        if path and not {"name", "description"} <= set(text)
    } == set()


async def test_actions_are_the_registered_ones(
    recorder_mock: Any, hass: HomeAssistant
) -> None:
    """The actions that Home Assistant offers are those that are described."""
    assert await async_setup_component(hass, DOMAIN, {})

    assert set(hass.services.async_services_for_domain(DOMAIN)) == set(SERVICES)
