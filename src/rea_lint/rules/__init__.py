"""The rules.  Each file of a family folder is a rule; `rea_lint.rule.load` finds them."""
