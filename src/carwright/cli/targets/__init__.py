"""What the commands of ``carwright targets`` share."""
