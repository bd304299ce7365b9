"""What the commands of ``carwright design`` share: reading what is asked, and writing answers."""
