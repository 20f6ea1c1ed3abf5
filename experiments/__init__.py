"""The experiments, one question per file; each runs as a script and as ``python -m eisim run NAME``."""

if __name__ == "experiments":  # the name for people; to eisim it is eisim.experiments
    from eisim.base.folders import stand_in

    stand_in(__name__)
