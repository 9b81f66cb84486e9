"""An emulated AWS on loopback: MiniStack, and moto for EC2 and ECR, behind one endpoint.

``emulated_aws()`` in ``aws`` starts it; ``deployment`` deploys this app's template into it; ``fixtures`` shares one
among all tests of a session (``aws``, ``deployed``); ``front`` is the endpoint and ``actions`` maps calls to IAM
actions; ``moto_repairs``, ``ministack_launcher``, and ``ministack_iam`` hold what the two emulators do differently from
AWS.
"""
