"""What is known and done about requests whatever they ask: ids, log, metrics, remembered answers."""
