"""The language server.  The only package that imports pygls and lsprotocol; nothing else imports it before `rea-lint server` runs."""
