"""From responses to numbers: activity, mean field against simulation, training, tasks."""
