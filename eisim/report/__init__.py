"""Reports: what an experiment found, as a table, figures, labelled data and JSON."""
