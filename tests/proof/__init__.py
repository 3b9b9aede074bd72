"""Proof: what the rules' pages claim happens, made to happen on the real SDK and server.

`messages` is the wire, `loop` the time, `world` the outside, `driver` plays the server for one invocation, `worker` gives each program a
process of its own, `outcome` says what happened, `pages` turns a page's blocks into programs, `server` runs them on a real
restate-server, `prove` is the command (`just prove`).
"""
