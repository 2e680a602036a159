"""What holds for every test: properties are tried without a clock, so a busy machine fails none."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "lakewright",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lakewright")
