"""The language server.  With the plugin `pylsp` it alone imports pygls and lsprotocol, and nothing imports it before `rea-lint server` runs."""
