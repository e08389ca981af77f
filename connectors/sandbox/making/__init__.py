"""How the made-up book is made: word lists, the team, everyday customers and the stories."""
