"""The generated clients and the page: what asks the service from outside."""
