"""External authorisation of HTTP requests, as gateways ask for it: method, path and headers, mapped to an exchange."""
