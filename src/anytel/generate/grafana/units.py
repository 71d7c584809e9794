"""Units: from ours, by way of Prometheus' words, to Grafana's ids."""

from __future__ import annotations

from collections.abc import Mapping

from anytel.catalogue.catalogue import Catalogue
from anytel.catalogue.expressions import Expression, Latency, Ratio, Stat
from anytel.catalogue.stats import stat_of
from anytel.generate.spelling import Speller
from anytel.metrics.instruments import Instrument

__all__ = ["KNOWN", "unit_of", "unit_of_ucum"]

KNOWN = frozenset(
    """
Bps EHs GBs GHs Gbits GiBs Gibits Hs KBs KHs Kbits KiBs Kibits MBs MHs Mbits MiBs Mibits Mohm Nm3 PBs PHs Pbits
PiBs Pibits TBs THs Tbits TiBs Tibits Wm2 \xb5farad \xb5henry \xb5s accFS2 accG accMS2 acres amp amph arcmin
arcsec areaF2 areaM2 areaMI2 binBps binbps bits bool bool_on_off bool_yes_no bps bytes candela celsius clockms
clocks con\u03bcgNm3 con\u03bcgm3 congNm3 congm3 conmgNm3 conmgdL conmgm3 conmmolL conngNm3 conngm3 conppb cpm
cps currencyBGN currencyBRL currencyBTC currencyCHF currencyCZK currencyDKK currencyEUR currencyGBP currencyIDR
currencyILS currencyINR currencyISK currencyJPY currencyKRW currencyMYR currencyNOK currencyPHP currencyPLN
currencyPYG currencyRUB currencySEK currencyTRY currencyUAH currencyUSD currencyUYU currencyVND currencyXPF
currencyZAR currency\u03bcBTC currencymBTC d dB dBm dateTimeAsIso dateTimeAsIsoNoDateIfToday dateTimeAsLocal
dateTimeAsLocalNoDateIfToday dateTimeAsSystem dateTimeAsUS dateTimeAsUSNoDateIfToday dateTimeFromNow decbits
decbytes decgbytes deckbytes decmbytes decpbytes dectbytes degree dm3 dtdhms dtdurationms dtdurations dthms
eflops epm eps ev fahrenheit farad ffarad flops flowcfm flowcfs flowcms flowgpm flowlpm flowmlpm forceN forceNm
forcekN forcekNm gallons gbytes gflops grad gwatt h hectares henry hertz hex hex0x humidity iops joule kamp
kamph kbytes kelvin kohm kvolt kvoltamp kvoltampreact kwatt kwatth kwattm lengthcm lengthft lengthin lengthkm
lengthm lengthmi lengthmm litre litreh locale lumens lux m m3 mamp mamph massg masskg masslb massmg masst mbytes
megwatt mflops mhenry mlitre mohm mpm mps ms mvolt mwatt mwatth nfarad none ns ohm opm ops pbytes percent
percentunit pfarad pflops pixel ppm pps pressurebar pressurehg pressurehpa pressurekbar pressurekpa pressurembar
pressurepa pressurepsi radbq radci radexpckg radgy radian radmsv radmsvh radr radrad radrem radsv radsvh radusv
radusvh recpm recps reqpm reqps rotdegs rotghz rothz rotkhz rotmhz rotrads rotrpm rowspm rowsps rpm rps s sci
short sishort string tbytes tflops timeticks velocitykmh velocityknot velocitymph velocityms volt voltamp
voltampreact watt watth watthperkg wpm wps yflops zflops
""".split()  # noqa: SIM905 -- 273 of them
)
"""The ids that Grafana 13.2 has, from ``@grafana/data``; it shows any other as a text behind the number."""
_VALUES: Mapping[str, str] = {
    "seconds": "s",
    "bytes": "bytes",
    "percent": "percent",
    "bits": "bits",
    "celsius": "celsius",
    "hertz": "hertz",
    "volts": "volt",
    "amperes": "amp",
    "watts": "watt",
    "joules": "joule",
    "meters": "lengthm",
    "grams": "massg",
}
_PER_SECOND: Mapping[str, str] = {"seconds": "percentunit", "bytes": "binBps", "bits": "bps"}
"""Of counters: seconds per second are a share of time."""
_UCUM: Mapping[str, str] = {
    **dict.fromkeys(("", "1"), "short"),
    "s": "s",
    "ms": "ms",
    "us": "µs",
    "ns": "ns",
    "min": "m",
    "h": "h",
    "d": "d",
    "By": "bytes",
    "%": "percent",
    "bit": "bits",
    "By/s": "binBps",
    "{request}/s": "reqps",
    "1/s": "cps",
}


def unit_of(catalogue: Catalogue, spell: Speller, expression: Expression) -> str:
    """Give the unit of an expression's values in Prometheus; ``short`` where it is only a number."""
    if isinstance(expression, Ratio | Latency):
        return "percentunit"
    if not isinstance(expression, Stat):
        return "short"
    instrument = catalogue.instrument(expression)
    word, unit = stat_of(expression, instrument), spell(instrument).unit
    sampled = instrument.kind in ("distribution", "histogram")
    if word == "increase":
        return "short" if sampled else _VALUES.get(unit, "short")
    if word == "rate":
        return _events(instrument) if sampled else _PER_SECOND.get(unit, _events(instrument))
    if instrument.kind == "gauge" and instrument.unit == "1" and unit == "ratio":
        return "percentunit"
    return _VALUES.get(unit, "short")


def unit_of_ucum(unit: str) -> str:
    """Give Grafana's id of a UCUM unit; one in braces, or that is not known, is only a number."""
    return _UCUM.get(unit, "cps" if unit.endswith("}/s") else "short")


def _events(instrument: Instrument) -> str:
    return "reqps" if "request" in f"{instrument.name} {instrument.unit}" else "cps"
