"""What is stored: layers with their history, incidents, accounts; and the files they come from."""
