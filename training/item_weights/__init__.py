"""What each anime on a list says for every other: pairs counted, and weights fitted in closed form."""
