"""The policies: settings go in; whether they can be read, are sound, signed and translated comes out."""

import engine
from service.doctor.diagnosis import Examination
from service.policies.reloading import Origin
from service.settings import SettingRefused, Settings

AREA = "policies"
_PLACES = 3


def examine_policies(found: Examination, settings: Settings) -> None:
    """Load the policies that decide, and those of the shadow, as a start does."""
    for paths, whose in ((settings.policies, "the policies"), (settings.shadow, "the policies of the shadow")):
        if whose.endswith("shadow") and not paths:
            continue
        try:
            loaded, live = Origin.of(paths, settings, settings.mode).start()
        except engine.BundleRefused as refused:
            places = [f"{each.at.file}:{each.at.line}: {each.message}" for each in refused.diagnostics[:_PLACES]]
            found.fault(
                AREA,
                "policies-refused",
                f"{whose} are not sound: {'; '.join(places)}",
                "run `fifthfactor check`, and correct what it shows",
            )
        except engine.EngineUnavailable as refused:
            found.fault(AREA, "engine-unavailable", str(refused), "do what the sentence says, or set `FIFTHFACTOR_MODE`")
        except SettingRefused as refused:
            found.fault(
                AREA, "policies-unreadable", str(refused), "correct the setting, or sign the bundle (`fifthfactor bundle`)"
            )
        else:
            if whose == "the policies":
                found.facts["policies"] = live.digests.source
            if lacking := engine.untranslated_texts(loaded.bundle):
                at = lacking[0].at
                found.warn(
                    AREA,
                    "not-translated",
                    f"{len(lacking):,} texts of {whose} lack a language, the first at {at.file}:{at.line}",
                    "run `fifthfactor lint`, and add them",
                )
