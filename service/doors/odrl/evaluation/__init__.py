"""
An evaluator of ODRL 2.2 of its own: a policy, a request and a state of the world become a compliance report.

It stands apart from decisions, which know days and no times of day. `evaluator` is the meaning, in one sitting; `comparison` orders values,
`world` reads what is asked and what is so, `compliance_report` writes, `suite` compares with expected reports.
Sources: ODRL Information Model 2.2; the test suite of the FORCE framework; the Community Group's draft "ODRL Formal Semantics", 2026.
"""
